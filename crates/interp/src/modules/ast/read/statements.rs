//! Statements.

use cinder_pyobj::{Obj, PyResult};
use cinder_syntax::ast::*;

use super::Reader;
use crate::modules::ast::types::Class;

impl<'a> Reader<'a, '_> {
    pub(super) fn read_stmt(&self, o: &Obj) -> PyResult<&'a Stmt<'a>> {
        self.check_stack("stmt")?;
        let span = self.span(o, "stmt", false)?;
        let c = self.class(o, "stmt")?;
        let kind = match c.name {
            "FunctionDef" => StmtKind::FunctionDef(self.function(o, c)?),
            "AsyncFunctionDef" => StmtKind::AsyncFunctionDef(self.function(o, c)?),
            "ClassDef" => {
                let class = ClassDef {
                    name: self.identifier(o, c.name, "name")?,
                    bases: self.exprs(o, c, "bases")?,
                    keywords: self.keywords(o, c)?,
                    body: self.stmts(o, c, "body")?,
                    decorator_list: self.exprs(o, c, "decorator_list")?,
                    type_params: self.type_params(o, c)?,
                };
                StmtKind::ClassDef(self.arena.alloc(class))
            }
            "Return" => StmtKind::Return { value: self.opt_expr(o, "value")? },
            "Delete" => StmtKind::Delete { targets: self.exprs(o, c, "targets")? },
            "Assign" => StmtKind::Assign {
                targets: self.exprs(o, c, "targets")?,
                value: self.expr(o, c, "value")?,
                type_comment: self.opt_string(o, "type_comment")?,
            },
            "TypeAlias" => StmtKind::TypeAlias {
                name: self.expr(o, c, "name")?,
                type_params: self.type_params(o, c)?,
                value: self.expr(o, c, "value")?,
            },
            "AugAssign" => StmtKind::AugAssign {
                target: self.expr(o, c, "target")?,
                op: self.operator(o, c)?,
                value: self.expr(o, c, "value")?,
            },
            "AnnAssign" => StmtKind::AnnAssign {
                target: self.expr(o, c, "target")?,
                annotation: self.expr(o, c, "annotation")?,
                value: self.opt_expr(o, "value")?,
                simple: self.int(o, c.name, "simple")? != 0,
            },
            "For" => StmtKind::For(self.for_loop(o, c)?),
            "AsyncFor" => StmtKind::AsyncFor(self.for_loop(o, c)?),
            "While" => StmtKind::While {
                test: self.expr(o, c, "test")?,
                body: self.stmts(o, c, "body")?,
                orelse: self.stmts(o, c, "orelse")?,
            },
            "If" => StmtKind::If {
                test: self.expr(o, c, "test")?,
                body: self.stmts(o, c, "body")?,
                orelse: self.stmts(o, c, "orelse")?,
            },
            "With" => StmtKind::With(self.with(o, c)?),
            "AsyncWith" => StmtKind::AsyncWith(self.with(o, c)?),
            "Match" => StmtKind::Match { subject: self.expr(o, c, "subject")?, cases: self.cases(o, c)? },
            "Raise" => StmtKind::Raise { exc: self.opt_expr(o, "exc")?, cause: self.opt_expr(o, "cause")? },
            "Try" => StmtKind::Try(self.try_statement(o, c)?),
            "TryStar" => StmtKind::TryStar(self.try_statement(o, c)?),
            "Assert" => StmtKind::Assert { test: self.expr(o, c, "test")?, msg: self.opt_expr(o, "msg")? },
            "Import" => StmtKind::Import { names: self.aliases(o, c)? },
            "ImportFrom" => {
                let level = self.opt_int(o, "level")?.unwrap_or(0);
                if level < 0 {
                    return Err(self.cx.value_error("Negative ImportFrom level"));
                }
                StmtKind::ImportFrom {
                    module: self.opt_identifier(o, "module")?,
                    names: self.aliases(o, c)?,
                    level: Some(level as u32),
                }
            }
            "Global" => StmtKind::Global { names: self.identifiers(o, c.name, "names")? },
            "Nonlocal" => StmtKind::Nonlocal { names: self.identifiers(o, c.name, "names")? },
            "Expr" => StmtKind::Expr { value: self.expr(o, c, "value")? },
            "Pass" => StmtKind::Pass,
            "Break" => StmtKind::Break,
            _ => StmtKind::Continue,
        };
        Ok(self.arena.stmt(kind, span))
    }

    fn function(&self, o: &Obj, c: &Class) -> PyResult<&'a FunctionDef<'a>> {
        let function = FunctionDef {
            name: self.identifier(o, c.name, "name")?,
            args: self.arguments(o, c)?,
            body: self.stmts(o, c, "body")?,
            decorator_list: self.exprs(o, c, "decorator_list")?,
            returns: self.opt_expr(o, "returns")?,
            type_comment: self.opt_string(o, "type_comment")?,
            type_params: self.type_params(o, c)?,
        };
        Ok(self.arena.alloc(function))
    }

    fn for_loop(&self, o: &Obj, c: &Class) -> PyResult<&'a For<'a>> {
        let read = For {
            target: self.expr(o, c, "target")?,
            iter: self.expr(o, c, "iter")?,
            body: self.stmts(o, c, "body")?,
            orelse: self.stmts(o, c, "orelse")?,
            type_comment: self.opt_string(o, "type_comment")?,
        };
        Ok(self.arena.alloc(read))
    }

    fn with(&self, o: &Obj, c: &Class) -> PyResult<&'a With<'a>> {
        let each = |reader: &Self, item: &Obj| {
            let c = reader.class_of_product("withitem")?;
            Ok(WithItem {
                context_expr: reader.expr(item, c, "context_expr")?,
                optional_vars: reader.opt_expr(item, "optional_vars")?,
            })
        };
        let read = With {
            items: self.arena.slice(self.list(o, c.name, "items", each)?),
            body: self.stmts(o, c, "body")?,
            type_comment: self.opt_string(o, "type_comment")?,
        };
        Ok(self.arena.alloc(read))
    }

    fn try_statement(&self, o: &Obj, c: &Class) -> PyResult<&'a Try<'a>> {
        let each = |reader: &Self, item: &Obj| {
            let span = reader.span(item, "excepthandler", false)?;
            let c = reader.class(item, "excepthandler")?;
            Ok(ExceptHandler {
                typ: reader.opt_expr(item, "type")?,
                name: reader.opt_identifier(item, "name")?,
                body: reader.stmts(item, c, "body")?,
                span,
            })
        };
        let read = Try {
            body: self.stmts(o, c, "body")?,
            handlers: self.arena.slice(self.list(o, c.name, "handlers", each)?),
            orelse: self.stmts(o, c, "orelse")?,
            finalbody: self.stmts(o, c, "finalbody")?,
        };
        Ok(self.arena.alloc(read))
    }

    fn aliases(&self, o: &Obj, class: &Class) -> PyResult<&'a [Alias<'a>]> {
        let each = |reader: &Self, item: &Obj| {
            Ok(Alias {
                name: reader.identifier(item, "alias", "name")?,
                asname: reader.opt_identifier(item, "asname")?,
                span: reader.span(item, "alias", false)?,
            })
        };
        Ok(self.arena.slice(self.list(o, class.name, "names", each)?))
    }
}
