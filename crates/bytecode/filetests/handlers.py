def f():
    try:
        g()
    except ValueError as e:
        print(e)
    except:
        raise
    else:
        return 1
    finally:
        h()

def star():
    try:
        g()
    except* (A, B) as e:
        h(e)

def with_return(x):
    with open(x) as f, lock:
        return f.read()
