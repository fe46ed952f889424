"""How tests are compiled."""

# What a test calls is optimised in its library. To optimise the tests as well, typed ones above
# all, takes twenty times as long to build and saves nothing.
TEST_COPTS = ["-O0"]
