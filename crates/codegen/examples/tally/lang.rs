//! Tally, a small language: reader and interpreter. Names that end with a dot are floats; integers have 64 bits, and
//! a result that does not fit is reduced modulo 2^61 - 1; division by zero gives 0.

#[derive(Clone, Debug)]
pub enum Expr {
    Int(i64),
    Float(f64),
    Var(usize),
    /// An operator (with a dot: of floats), a builtin or a function.
    Call(String, Vec<Expr>),
}

/// Statements, their jumps resolved to positions in the function's code.
#[derive(Clone, Debug)]
pub enum Stmt {
    Set(usize, Expr),
    Store(Expr, Expr, Expr),
    Unless(Expr, usize),
    Goto(usize),
    Return(Expr),
    Yield(Expr),
}

#[derive(Clone, Debug, Default)]
pub struct Func {
    pub name: String,
    pub kind: String,
    pub line: u32,
    pub params: usize,
    pub vars: Vec<String>,
    pub code: Vec<(u32, Stmt)>,
}

pub struct Program(pub Vec<Func>);

/// Asked at jumps back: runs compiled code from there, if there is some.
pub type Enter<'a> = &'a dyn Fn(&Func, usize, &mut [u64]) -> Option<u64>;

enum Form {
    Atom(String),
    List(Vec<Form>, u32),
}

fn read(tokens: &mut std::iter::Peekable<impl Iterator<Item = (String, u32)>>) -> Option<Form> {
    let (token, line) = tokens.next()?;
    if token != "(" {
        return Some(Form::Atom(token));
    }
    let mut list = Vec::new();
    while tokens.peek()?.0 != ")" {
        list.push(read(tokens)?);
    }
    tokens.next();
    Some(Form::List(list, line))
}

impl Form {
    fn word(&self) -> &str {
        if let Form::Atom(s) = self { s } else { "" }
    }

    fn list(&self) -> (&[Form], u32) {
        if let Form::List(l, line) = self { (l, *line) } else { panic!("`{}` should be a list", self.word()) }
    }
}

impl Program {
    pub fn parse(text: &str) -> Program {
        let spaced = text.lines().enumerate().flat_map(|(n, line)| {
            let line = line.split(';').next().unwrap_or("").replace('(', " ( ").replace(')', " ) ");
            line.split_whitespace().map(|t| (t.to_string(), n as u32 + 1)).collect::<Vec<_>>()
        });
        let mut tokens = spaced.peekable();
        let forms = std::iter::from_fn(|| read(&mut tokens));
        Program(forms.map(|f| Func::of(&f)).collect())
    }

    pub fn func(&self, name: &str) -> &Func {
        self.0.iter().find(|f| f.name == name).unwrap_or_else(|| panic!("no function {name}"))
    }
}

impl Func {
    /// `(fn name (params) statements)`, `gen` for a generator, `inline` for a function that is one expression.
    fn of(form: &Form) -> Func {
        let (parts, line) = form.list();
        let vars: Vec<String> = parts[2].list().0.iter().map(|p| p.word().into()).collect();
        let (name, kind) = (parts[1].word().to_string(), parts[0].word().to_string());
        let mut f = Func { name, kind, line, params: vars.len(), vars, code: Vec::new() };
        for part in &parts[3..] {
            if f.kind == "inline" {
                let e = f.expr(part);
                f.code.push((line, Stmt::Return(e)));
            } else {
                f.stmt(part);
            }
        }
        f
    }

    fn var(&mut self, name: &str) -> usize {
        self.vars.iter().position(|v| v == name).unwrap_or_else(|| {
            self.vars.push(name.into());
            self.vars.len() - 1
        })
    }

    fn expr(&mut self, form: &Form) -> Expr {
        match form {
            Form::List(l, _) => Expr::Call(l[0].word().into(), l[1..].iter().map(|e| self.expr(e)).collect()),
            Form::Atom(s) => match (s.parse(), s.parse()) {
                (Ok(n), _) => Expr::Int(n),
                (_, Ok(x)) => Expr::Float(x),
                _ => Expr::Var(self.var(s)),
            },
        }
    }

    fn stmt(&mut self, form: &Form) {
        let (l, line) = form.list();
        let stmt = match l[0].word() {
            "set" => Stmt::Set(self.var(l[1].word()), self.expr(&l[2])),
            "store" => Stmt::Store(self.expr(&l[1]), self.expr(&l[2]), self.expr(&l[3])),
            "return" => Stmt::Return(self.expr(&l[1])),
            "yield" => Stmt::Yield(self.expr(&l[1])),
            "while" | "if" => {
                let (top, cond) = (self.code.len(), self.expr(&l[1]));
                self.code.push((line, Stmt::Goto(0)));
                l[2..].iter().for_each(|s| self.stmt(s));
                if l[0].word() == "while" {
                    self.code.push((line, Stmt::Goto(top)));
                }
                self.code[top].1 = Stmt::Unless(cond, self.code.len());
                return;
            }
            other => panic!("line {line}: {other}"),
        };
        self.code.push((line, stmt));
    }
}

/// Interprets from a position on until the function returns or yields.
pub fn interpret(p: &Program, f: &Func, mut pc: usize, vars: &mut [u64], enter: Enter<'_>) -> u64 {
    loop {
        let (at, stmt) = (pc, &f.code[pc].1);
        pc += 1;
        match stmt {
            Stmt::Set(v, e) => vars[*v] = eval(p, e, vars, enter),
            Stmt::Store(a, i, e) => {
                let at = eval(p, a, vars, enter) + 8 * eval(p, i, vars, enter);
                // SAFETY: programs stay inside the arrays that their caller gives them, as in C.
                unsafe { (at as *mut u64).write(eval(p, e, vars, enter)) };
            }
            Stmt::Unless(e, to) if eval(p, e, vars, enter) == 0 => pc = *to,
            Stmt::Unless(..) => {}
            Stmt::Goto(to) => {
                pc = *to;
                if let Some(result) = (pc < at).then(|| enter(f, pc, vars)).flatten() {
                    return result;
                }
            }
            Stmt::Return(e) | Stmt::Yield(e) => {
                let value = eval(p, e, vars, enter);
                if f.kind == "gen" {
                    let frame = vars[vars.len() - 1] as *mut u64;
                    // SAFETY: a generator's last variable is its frame: where to go on, then the variables.
                    unsafe {
                        frame.write(if matches!(stmt, Stmt::Yield(_)) { pc as u64 } else { u64::MAX });
                        frame.add(1).copy_from_nonoverlapping(vars.as_ptr(), vars.len());
                    }
                }
                return value;
            }
        }
    }
}

fn eval(p: &Program, e: &Expr, vars: &[u64], enter: Enter<'_>) -> u64 {
    let (name, args) = match e {
        Expr::Int(n) => return *n as u64,
        Expr::Float(x) => return x.to_bits(),
        Expr::Var(v) => return vars[*v],
        Expr::Call(name, args) => (name.as_str(), args),
    };
    let v: Vec<u64> = args.iter().map(|a| eval(p, a, vars, enter)).collect();
    let (x, y) = (f64::from_bits(v[0]), f64::from_bits(v.get(1).copied().unwrap_or(0)));
    let (a, b) = (i128::from(v[0] as i64), i128::from(v.get(1).copied().unwrap_or(0) as i64));
    let wide = match name {
        "+." => return (x + y).to_bits(),
        "-." => return (x - y).to_bits(),
        "*." => return (x * y).to_bits(),
        "/." => return (x / y).to_bits(),
        "sqrt." => return x.sqrt().to_bits(),
        "float." => return (a as f64).to_bits(),
        "int" => x as i64 as i128,
        "<." => (x < y).into(),
        // SAFETY: as for stores.
        "load" => return unsafe { ((v[0] + 8 * v[1]) as *const u64).read() },
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => a.checked_div(b).unwrap_or(0),
        "%" => a.checked_rem(b).unwrap_or(0),
        "<" => (a < b).into(),
        "=" => (a == b).into(),
        _ => {
            let (f, mut own) = (p.func(name), v);
            own.resize(f.vars.len(), 0);
            return interpret(p, f, 0, &mut own, enter);
        }
    };
    i64::try_from(wide).unwrap_or((wide % ((1 << 61) - 1)) as i64) as u64
}
