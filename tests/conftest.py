"""What all tests share."""

import os

# pytest runs one process a core: threads of the linear algebra library would only fight over them
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
