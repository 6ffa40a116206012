"""An application whose import takes longer than anybody waits."""
import os
import sys
import time

sys.stderr.write("importing %d\n" % os.getpid())
time.sleep(60)
