"""The works, a room a subject."""

from benchmarks.work import Work
from benchmarks.works import (
    checking,
    compiled,
    eager,
    fitting,
    memory,
    products,
    startup,
    training,
)

ROOMS: dict[str, tuple[Work, ...]] = {
    "training": training.WORKS,
    "products": products.WORKS,
    "fitting": fitting.WORKS,
    "eager": eager.WORKS,
    "compiled": compiled.WORKS,
    "memory": memory.WORKS,
    "startup": startup.WORKS,
    "checking": checking.WORKS,
}
WORKS: dict[str, Work] = {work.name: work for room in ROOMS.values() for work in room}
