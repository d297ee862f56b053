//! Patterns and type parameters.

use cinder_pyobj::{Obj, PyResult};
use cinder_syntax::ast::*;

use super::Reader;
use crate::modules::ast::types::Class;

impl<'a> Reader<'a, '_> {
    pub(super) fn read_pattern(&self, o: &Obj) -> PyResult<&'a Pattern<'a>> {
        self.check_stack("pattern")?;
        let span = self.span(o, "pattern", true)?;
        let c = self.class(o, "pattern")?;
        let kind = match c.name {
            "MatchValue" => PatternKind::MatchValue { value: self.expr(o, c, "value")? },
            "MatchSingleton" => {
                PatternKind::MatchSingleton { value: self.constant(&self.require(o, c.name, "value")?)? }
            }
            "MatchSequence" => PatternKind::MatchSequence { patterns: self.patterns(o, c, "patterns")? },
            "MatchMapping" => PatternKind::MatchMapping {
                keys: self.exprs(o, c, "keys")?,
                patterns: self.patterns(o, c, "patterns")?,
                rest: self.opt_identifier(o, "rest")?,
            },
            "MatchClass" => PatternKind::MatchClass {
                cls: self.expr(o, c, "cls")?,
                patterns: self.patterns(o, c, "patterns")?,
                kwd_attrs: self.identifiers(o, c.name, "kwd_attrs")?,
                kwd_patterns: self.patterns(o, c, "kwd_patterns")?,
            },
            "MatchStar" => PatternKind::MatchStar { name: self.opt_identifier(o, "name")? },
            "MatchAs" => {
                let pattern = self.get_some(o, "pattern")?;
                PatternKind::MatchAs {
                    pattern: pattern.map(|pattern| self.read_pattern(&pattern)).transpose()?,
                    name: self.opt_identifier(o, "name")?,
                }
            }
            _ => PatternKind::MatchOr { patterns: self.patterns(o, c, "patterns")? },
        };
        Ok(self.arena.pattern(kind, span))
    }

    pub(super) fn cases(&self, o: &Obj, class: &Class) -> PyResult<&'a [MatchCase<'a>]> {
        let each = |reader: &Self, item: &Obj| {
            let c = reader.class_of_product("match_case")?;
            let pattern = reader.require(item, c.name, "pattern")?.non_none();
            let pattern = reader.present(pattern, c.name, "pattern")?;
            Ok(MatchCase {
                pattern: reader.read_pattern(&pattern)?,
                guard: reader.opt_expr(item, "guard")?,
                body: reader.stmts(item, c, "body")?,
            })
        };
        Ok(self.arena.slice(self.list(o, class.name, "cases", each)?))
    }

    pub(super) fn type_params(&self, o: &Obj, class: &Class) -> PyResult<&'a [TypeParam<'a>]> {
        let each = |reader: &Self, item: &Obj| {
            let span = reader.span(item, "type_param", true)?;
            let c = reader.class(item, "type_param")?;
            let name = reader.identifier(item, c.name, "name")?;
            let kind = match c.name {
                "TypeVar" => TypeParamKind::TypeVar {
                    name,
                    bound: reader.opt_expr(item, "bound")?,
                    default_value: reader.opt_expr(item, "default_value")?,
                },
                "ParamSpec" => {
                    TypeParamKind::ParamSpec { name, default_value: reader.opt_expr(item, "default_value")? }
                }
                _ => TypeParamKind::TypeVarTuple { name, default_value: reader.opt_expr(item, "default_value")? },
            };
            Ok(TypeParam { kind, span })
        };
        Ok(self.arena.slice(self.list(o, class.name, "type_params", each)?))
    }

    pub(super) fn type_ignore(&self, o: &Obj) -> PyResult<TypeIgnore<'a>> {
        let c = self.class(o, "type_ignore")?;
        let lineno = self.int(o, c.name, "lineno")?.max(0) as u32;
        self.require(o, c.name, "tag")?;
        let tag = self.opt_string(o, "tag")?;
        Ok(TypeIgnore { lineno, tag: self.present(tag, c.name, "tag")? })
    }
}
