# EVOLVE-BLOCK-START
# 2284
# 3474
def value():
    return 1.0
# EVOLVE-BLOCK-END
