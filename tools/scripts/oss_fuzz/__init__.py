"""tools/check_oss_fuzz: the fuzz targets as OSS-Fuzz builds them."""
