def f[T: int, *Ts, **P](x: T = 1, *, k=2) -> T:
    return x

class G[T](Base):
    def m(self, x: T): ...

type A[K = int] = dict[K, A]
type B = list[B]
