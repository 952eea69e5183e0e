import time

import farcall

farcall.stage(2)
while True:
    time.sleep(60)
