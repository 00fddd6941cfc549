"""What all tests share."""

from hypothesis import settings
from threadpoolctl import threadpool_limits

# pytest runs one process a core: threads of the linear algebra library would only fight over them
threadpool_limits(1)

# how long an example takes says who else is on the machine
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")
