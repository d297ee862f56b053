; Exact arithmetic of any size.
(define (factorial n) (if (= n 0) 1 (* n (factorial (- n 1)))))
(print (factorial 30))
(print (/ 1 3) (+ (/ 1 3) (/ 2 3)) (/ 10 4.0) (sqrt 144) (sqrt 2))
(print (expt 2 200))

; A loop in tail position: a hundred thousand turns on a flat stack.
(define (collatz n steps)
  (cond ((= n 1) steps)
        ((= 0 (modulo n 2)) (collatz (quotient n 2) (+ steps 1)))
        (else (collatz (+ (* 3 n) 1) (+ steps 1)))))
(print "collatz" (collatz 837799 0))
(print "sum" (let loop ((i 0) (sum 0)) (if (< i 20000) (loop (+ i 1) (+ sum (* i i))) sum)))

(define (primes limit)
  (filter (lambda (n)
            (let loop ((d 2))
              (cond ((> (* d d) n) #t)
                    ((= 0 (modulo n d)) #f)
                    (else (loop (+ d 1))))))
          (range 2 limit)))
(print (primes 60))
