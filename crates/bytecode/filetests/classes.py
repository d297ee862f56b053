@deco
class C(Base, metaclass=M):
    """Documented."""
    x: int = 1

    def m(self):
        self.attr = __class__
        self.__private = 1
        return self.__x

    if cond:
        y: str
z: list[C]
