"""What all tests share."""

from threadpoolctl import threadpool_limits

# pytest runs one process a core: threads of the linear algebra library would only fight over them
threadpool_limits(1)
