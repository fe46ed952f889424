"""Compiler flags of the rooms that a search does not watch."""

# UBSan is there to watch the MMUs, and libFuzzer's counters are to tell what they do. The judges
# are busy at every operation: to watch them as well costs a tenth of the throughput, and to count
# what they do makes a new input of each new comparison. ASan stays on.
JUDGE_COPTS = ["-fno-sanitize=fuzzer-no-link,undefined"]

# A search gains nothing from counters of the code that makes programs and words reports.
UNCOUNTED_COPTS = ["-fno-sanitize=fuzzer-no-link"]
