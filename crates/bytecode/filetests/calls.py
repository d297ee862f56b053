def f(a, b):
    a(b, 1)
    a.b(b, c=2)
    a(*b)
    a(1, *b, k=3, **a)
    a.b.c(b)(1)

class C(B):
    def __init__(self, x):
        super().__init__(x)
        super(C, self).run()
        self.x = super().x
