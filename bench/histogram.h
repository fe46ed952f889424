// The lengths of the rmaps of a real guest, which was idle after boot, had 6 GiB and no EPT. The
// figures are from the mail of KVM's mmu_rmaps_stat (2021), in the row of 4K pages.
//
// That statistic puts a length into the column of its lowest set bit. So all odd lengths are in the
// first column, and the figures for longer lists are too small. The number of frames that nothing
// maps, 3,086,676, is right.
#ifndef RMAPDIFF_BENCH_HISTOGRAM_H_
#define RMAPDIFF_BENCH_HISTOGRAM_H_

#include <vector>

namespace rmapdiff {

struct HistogramRow {
  int shortest;
  int longest;
  int frames;
};

inline constexpr HistogramRow kIdleGuest[] = {
    {1, 1, 53045}, {2, 3, 12330}, {4, 7, 1272}, {8, 15, 502},
    {16, 31, 121}, {32, 63, 76},  {64, 127, 2},
};

// The length of the rmap of each mapped frame of a guest. It has one frame for each `scale` frames
// of kIdleGuest, but at least one a row. All lengths of a row are equally frequent.
inline std::vector<int> RmapLengths(int scale) {
  std::vector<int> lengths;
  for (const HistogramRow& row : kIdleGuest) {
    const int frames = row.frames / scale > 0 ? row.frames / scale : 1;
    for (int i = 0; i < frames; ++i) {
      lengths.push_back(row.shortest + i % (row.longest - row.shortest + 1));
    }
  }
  return lengths;
}

}  // namespace rmapdiff

#endif  // RMAPDIFF_BENCH_HISTOGRAM_H_
