; Macros rewrite programs.
(define-macro (swap! a b) `(let ((tmp ,a)) (set! ,a ,b) (set! ,b tmp)))
(define x 1)
(define y 2)
(swap! x y)
(print x y)
(print (macroexpand '(swap! left right)))

(define-macro (for var from to . body)
  `(let loop ((,var ,from))
     (when (< ,var ,to) ,@body (loop (+ ,var 1)))))
(for i 0 3 (display i " ") (display (* i i) "; "))
(newline)

(define n 3)
(while (> n 0) (display n " ") (set! n (- n 1)))
(newline)

; Data is program is data.
(define program '(+ 1 2 (* 3 4)))
(print program "=>" (eval program))
(print `(1 ,(+ 1 1) ,@(map (lambda (v) (* v v)) '(2 3)) . end))
