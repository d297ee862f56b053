; Eight queens, by search with an escape.
(define (safe? column queens)
  (let loop ((rest queens) (distance 1))
    (cond ((null? rest) #t)
          ((= (car rest) column) #f)
          ((= (car rest) (- column distance)) #f)
          ((= (car rest) (+ column distance)) #f)
          (else (loop (cdr rest) (+ distance 1))))))

(define (first-solution n)
  (call/ec
    (lambda (return)
      (let place ((row 0) (queens '()))
        (when (= row n) (return (reverse queens)))
        (for-each (lambda (column)
                    (when (safe? column queens)
                      (place (+ row 1) (cons column queens))))
                  (range 0 n)))
      #f)))

(define (count-solutions n)
  (let place ((row 0) (queens '()))
    (if (= row n) 1
        (fold (lambda (sum column)
                (+ sum (if (safe? column queens) (place (+ row 1) (cons column queens)) 0)))
              0 (range 0 n)))))

(print (first-solution 8))
(print (map count-solutions '(1 2 3 4 5 6)))
