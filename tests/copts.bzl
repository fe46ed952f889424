"""How tests are compiled."""

# The library of the code under test is optimised. Optimised tests, typed ones above all, take
# twenty times as long to build and save nothing.
TEST_COPTS = ["-O0"]
