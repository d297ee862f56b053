"""What asyncio.tools needs to be imported. Looking into another process is not supported."""

from collections import namedtuple

FrameInfo = namedtuple("FrameInfo", "filename lineno funcname")
CoroInfo = namedtuple("CoroInfo", "call_stack task_name")
TaskInfo = namedtuple("TaskInfo", "task_id task_name coroutine_stack awaited_by")
ThreadInfo = namedtuple("ThreadInfo", "thread_id frame_info")
AwaitedInfo = namedtuple("AwaitedInfo", "thread_id awaited_by")


class RemoteUnwinder:
    """Would read the stacks of another process."""

    def __init__(self, pid, *, all_threads=False, debug=False):
        raise NotImplementedError("Cinder does not read the stacks of other processes")
