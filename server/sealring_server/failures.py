"""How often signing and maintenance failed since the server started, told by all of its processes (SPEC TF-10)."""

from multiprocessing import Value


class Failures:
    """Two counters in memory that the processes of one server share: made before they are forked."""

    def __init__(self) -> None:
        self._signing = Value("Q", 0)
        self._maintenance = Value("Q", 0)

    def signing_failed(self) -> None:
        """A key could not be opened, or did not sign."""
        with self._signing.get_lock():
            self._signing.value += 1

    def maintenance_failed(self) -> None:
        """What the store does by itself was not done, for whatever reason."""
        with self._maintenance.get_lock():
            self._maintenance.value += 1

    @property
    def signing(self) -> int:
        """Failed signatures so far."""
        return int(self._signing.value)

    @property
    def maintenance(self) -> int:
        """Failed rounds of maintenance so far."""
        return int(self._maintenance.value)
