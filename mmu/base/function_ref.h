// FunctionRef<R(Args...)>: a function that is called during one call, its type erased.
//
// The function must outlive the call that it is passed to. Copying it copies the reference.
// Not covered: an empty reference, and functions that are kept.
#ifndef RMAPDIFF_MMU_BASE_FUNCTION_REF_H_
#define RMAPDIFF_MMU_BASE_FUNCTION_REF_H_

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace rmapdiff {

// UBSan does not watch the call itself; it watches the function.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((no_sanitize("undefined"))), apply_to = function)
#endif

template <class Signature>
class FunctionRef;

template <class R, class... Args>
class FunctionRef<R(Args...)> {
 public:
  // Implicit, so that a caller passes a lambda as it is.
  template <class Function>
    requires(!std::same_as<std::remove_cvref_t<Function>, FunctionRef> &&
             std::is_invocable_r_v<R, Function&, Args...>)
  FunctionRef(Function&& function)
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(function)))),
        call_([](void* object, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<Function>*>(object))(
              std::forward<Args>(args)...);
        }) {}

  R operator()(Args... args) const { return call_(object_, std::forward<Args>(args)...); }

 private:
  void* object_;
  R (*call_)(void*, Args...);
};

#if defined(__clang__)
#pragma clang attribute pop
#endif

}  // namespace rmapdiff

#endif  // RMAPDIFF_MMU_BASE_FUNCTION_REF_H_
