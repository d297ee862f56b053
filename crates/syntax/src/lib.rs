//! Python 3.14 front end: source text to tokens (logos) to a typed AST (lalrpop, typed-arena).
