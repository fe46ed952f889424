// The compiled half of the fmt library, from the headers of Debian's libfmt-dev.
//
// fmt can be used from its headers alone, but then every source file compiles all of it: with
// sanitizers that is half of the time of a build. The packaged library is 64-bit and built for
// GCC's C++ library, so the half that is not templates is compiled here, once a configuration.

#include <fmt/format-inl.h>

// Which templates fmt expects to find compiled depends on its version.
#if FMT_VERSION < 90000 || FMT_VERSION >= 100000
#error "not fmt 9: build with --define=fmt=header-only"
#endif

FMT_BEGIN_NAMESPACE
namespace detail {

template auto dragonbox::to_decimal(float) noexcept -> dragonbox::decimal_fp<float>;
template auto dragonbox::to_decimal(double) noexcept -> dragonbox::decimal_fp<double>;

template locale_ref::locale_ref(const std::locale&);
template auto locale_ref::get<std::locale>() const -> std::locale;

template auto thousands_sep_impl(locale_ref) -> thousands_sep_result<char>;
template auto thousands_sep_impl(locale_ref) -> thousands_sep_result<wchar_t>;
template auto decimal_point_impl(locale_ref) -> char;
template auto decimal_point_impl(locale_ref) -> wchar_t;

}  // namespace detail
FMT_END_NAMESPACE
