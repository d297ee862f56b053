//! Where code comes from, for debuggers.

use super::Builder;
use crate::ir::{DebugValue, LocId, Scope, ScopeId, SourceLoc, VReg, Var};

/// # Source lines
///
/// Most compilers need no more than this of the tables of files, scopes, locations and variables: the function's
/// [source](Builder::source), the [line](Builder::set_line) of what follows, and the beginnings and ends of
/// [inlined](Builder::enter_inlined) functions.
impl Builder<'_> {
    /// The function is defined at a line of a file; what follows belongs to that line.
    pub fn source(&mut self, file: &str, line: u32) {
        let (name, file) = (self.func.name.clone(), self.file(file));
        self.scope = self.scope(Scope { name, file, line, call_site: None });
        self.set_line(line);
    }

    /// What follows belongs to this line of the source function or the inlined one.
    pub fn set_line(&mut self, line: u32) {
        let Some(scope) = self.func.scopes.get(self.scope.index()) else { return };
        let loc = self.loc(SourceLoc { file: scope.file, line, column: 0, scope: self.scope });
        self.set_loc(loc);
    }

    /// What follows belongs to a function, defined at a line of a file, that is inlined at the current line. `args`
    /// are its parameters.
    pub fn enter_inlined<'a>(
        &mut self,
        name: &str,
        file: &str,
        line: u32,
        args: impl IntoIterator<Item = (&'a str, VReg)>,
    ) {
        self.callers.push((self.scope, self.loc));
        let (file, call_site) = (self.file(file), Some(self.loc));
        self.scope = self.scope(Scope { name: name.to_owned(), file, line, call_site });
        self.set_line(line);
        for (name, value) in args {
            let var = Var { name: name.to_owned(), ty: self.ty(value), scope: self.scope, is_param: true };
            let var = self.var(var);
            self.debug_value(var, DebugValue::Reg(value));
        }
    }

    /// What follows belongs to the caller of the inlined function again.
    pub fn leave_inlined(&mut self) {
        let (scope, loc): (ScopeId, LocId) = self.callers.pop().unwrap_or((self.scope, self.loc));
        self.scope = scope;
        self.set_loc(loc);
    }
}
