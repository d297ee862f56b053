; Closures keep their own state.
(define (make-counter)
  (let ((n 0))
    (lambda (step) (set! n (+ n step)) n)))
(define a (make-counter))
(define b (make-counter))
(a 1) (a 10)
(print "a" (a 100) "b" (b 5))

(define inc-then-double (compose (lambda (x) (* 2 x)) (lambda (x) (+ x 1))))
(print (map inc-then-double '(1 2 3)))
(print (fold + 0 (range 0 101)))
(print inc-then-double make-counter car)
