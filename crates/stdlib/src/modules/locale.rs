//! `_locale`.

use std::ffi::{CStr, CString};

use cinder_pyobj::codecs::{decode_fs, encode_fs};
use cinder_pyobj::native::{PyClass, pyclass, pymodule};
use cinder_pyobj::types::{dict, exc, list};
use cinder_pyobj::{Ctx, Obj, PyResult, intern};

use crate::os::{add_ints, c_ints, last_error, sys};

/// A locale that does not exist was asked for.
#[pyclass(name = "Error", module = "locale", base = exc::markers::Exception, flags(basetype, mutable), payload = "inherit")]
pub struct LocaleError;

/// The encoding of the current locale.
pub(crate) fn encoding() -> String {
    // The text lives until the locale changes.
    let name = sys!({
        let p = libc::nl_langinfo(libc::CODESET);
        if p.is_null() { String::new() } else { CStr::from_ptr(p).to_string_lossy().into_owned() }
    });
    if name.is_empty() { "UTF-8".to_owned() } else { name }
}

unsafe extern "C" {
    fn strcoll(a: *const libc::c_char, b: *const libc::c_char) -> libc::c_int;
    fn strxfrm(to: *mut libc::c_char, from: *const libc::c_char, n: libc::size_t) -> libc::size_t;
    fn gettext(msg: *const libc::c_char) -> *const libc::c_char;
    fn dgettext(domain: *const libc::c_char, msg: *const libc::c_char) -> *const libc::c_char;
    fn dcgettext(domain: *const libc::c_char, msg: *const libc::c_char, category: libc::c_int) -> *const libc::c_char;
    fn textdomain(domain: *const libc::c_char) -> *const libc::c_char;
    fn bindtextdomain(domain: *const libc::c_char, dir: *const libc::c_char) -> *const libc::c_char;
    fn bind_textdomain_codeset(domain: *const libc::c_char, codeset: *const libc::c_char) -> *const libc::c_char;
}

/// The items that `nl_langinfo` knows.
const ITEMS: &[(&str, i64)] = c_ints![
    DAY_1 DAY_2 DAY_3 DAY_4 DAY_5 DAY_6 DAY_7 ABDAY_1 ABDAY_2 ABDAY_3 ABDAY_4 ABDAY_5 ABDAY_6 ABDAY_7 MON_1 MON_2 MON_3
    MON_4 MON_5 MON_6 MON_7 MON_8 MON_9 MON_10 MON_11 MON_12 ABMON_1 ABMON_2 ABMON_3 ABMON_4 ABMON_5 ABMON_6 ABMON_7
    ABMON_8 ABMON_9 ABMON_10 ABMON_11 ABMON_12 RADIXCHAR THOUSEP CRNCYSTR D_FMT D_T_FMT T_FMT AM_STR PM_STR CODESET
    T_FMT_AMPM ERA ERA_D_FMT ERA_D_T_FMT ERA_T_FMT ALT_DIGITS YESEXPR NOEXPR
];

/// glibc's item for the format of date(1).
const DATE_FMT: i64 = 131_180;

fn error(cx: &Ctx, message: &str) -> cinder_pyobj::Raised {
    cx.raise(LocaleError::type_object(), message)
}

fn text(cx: &Ctx, p: *const libc::c_char) -> PyResult {
    if p.is_null() {
        return Err(last_error(cx));
    }
    decode_fs(cx, sys!(CStr::from_ptr(p)).to_bytes())
}

fn c_text(cx: &Ctx, o: &Obj) -> PyResult<CString> {
    CString::new(encode_fs(cx, o)?).map_err(|_| cx.value_error("embedded null character"))
}

fn optional(cx: &Ctx, o: &Obj) -> PyResult<Option<CString>> {
    if o.is_none() { Ok(None) } else { c_text(cx, o).map(Some) }
}

fn pointer(s: &Option<CString>) -> *const libc::c_char {
    s.as_ref().map_or(std::ptr::null(), |s| s.as_ptr())
}

/// Group sizes as Python lists them: a zero at the end repeats the last one, CHAR_MAX ends.
fn groups(p: *const libc::c_char) -> Obj {
    let mut v: Vec<Obj> = sys!(CStr::from_ptr(p)).to_bytes().iter().map(|b| Obj::from(i64::from(*b))).collect();
    let ended = v.last().and_then(|o| o.as_int()) == Some(127);
    if !v.is_empty() && !ended {
        v.push(Obj::from(0));
    }
    list::new(v)
}

/// The C library's locale functions.
#[pymodule(name = "_locale")]
pub(crate) mod locale {
    use super::*;

    #[pyinit]
    fn init(cx: &Ctx, module: &Obj) -> PyResult<()> {
        let categories = c_ints![LC_CTYPE LC_TIME LC_COLLATE LC_MONETARY LC_MESSAGES LC_NUMERIC LC_ALL];
        add_ints(cx, module, categories)?;
        add_ints(cx, module, ITEMS)?;
        add_ints(cx, module, &[("CHAR_MAX", 127), ("_DATE_FMT", DATE_FMT)])?;
        module.set_attr(cx, intern!("Error"), &LocaleError::type_object().as_obj())
    }

    /// Sets (or, without locale, asks for) the locale of a category.
    #[pyfunction(sig = "(category, locale=None, /)")]
    fn setlocale(cx: &Ctx, category: i32, locale: Option<&Obj>) -> PyResult {
        let name = locale.map(|l| c_text(cx, l)).transpose()?;
        let r = sys!(libc::setlocale(category, pointer(&name)));
        if r.is_null() {
            return Err(error(cx, if name.is_some() { "unsupported locale setting" } else { "locale query failed" }));
        }
        text(cx, r)
    }

    /// How numbers and amounts of money are written in the current locale.
    #[pyfunction]
    fn localeconv(cx: &Ctx) -> PyResult {
        let l = sys!(&*libc::localeconv());
        let d = dict::new();
        let set = |k: &str, v: Obj| dict::set(cx, &d, &Obj::from(k), &v);
        set("decimal_point", text(cx, l.decimal_point)?)?;
        set("thousands_sep", text(cx, l.thousands_sep)?)?;
        set("grouping", groups(l.grouping))?;
        for (k, v) in [
            ("int_curr_symbol", l.int_curr_symbol),
            ("currency_symbol", l.currency_symbol),
            ("mon_decimal_point", l.mon_decimal_point),
            ("mon_thousands_sep", l.mon_thousands_sep),
            ("positive_sign", l.positive_sign),
            ("negative_sign", l.negative_sign),
        ] {
            set(k, text(cx, v)?)?;
        }
        set("mon_grouping", groups(l.mon_grouping))?;
        for (k, v) in [
            ("int_frac_digits", l.int_frac_digits),
            ("frac_digits", l.frac_digits),
            ("p_cs_precedes", l.p_cs_precedes),
            ("p_sep_by_space", l.p_sep_by_space),
            ("n_cs_precedes", l.n_cs_precedes),
            ("n_sep_by_space", l.n_sep_by_space),
            ("p_sign_posn", l.p_sign_posn),
            ("n_sign_posn", l.n_sign_posn),
        ] {
            set(k, Obj::from(i64::from(v)))?;
        }
        Ok(d)
    }

    /// A piece of information about the current locale.
    #[pyfunction(sig = "(key, /)")]
    fn nl_langinfo(cx: &Ctx, key: i32) -> PyResult {
        if !ITEMS.iter().any(|(_, v)| *v == i64::from(key)) && i64::from(key) != DATE_FMT {
            return Err(cx.value_error("unsupported langinfo constant"));
        }
        text(cx, sys!(libc::nl_langinfo(key)))
    }

    /// The encoding of the current locale.
    #[pyfunction]
    fn getencoding() -> String {
        super::encoding()
    }

    /// Compares two texts by the current locale.
    #[pyfunction(sig = "(os1, os2, /)", name = "strcoll")]
    fn py_strcoll(cx: &Ctx, os1: &str, os2: &str) -> PyResult<i32> {
        let (a, b) = (c_text(cx, &Obj::from(os1))?, c_text(cx, &Obj::from(os2))?);
        Ok(sys!(strcoll(a.as_ptr(), b.as_ptr())))
    }

    /// A text whose ordinary order is that of the current locale.
    #[pyfunction(sig = "(string, /)", name = "strxfrm")]
    fn py_strxfrm(cx: &Ctx, string: &str) -> PyResult {
        let s = c_text(cx, &Obj::from(string))?;
        let n = sys!(strxfrm(std::ptr::null_mut(), s.as_ptr(), 0));
        let mut v = vec![0u8; n + 1];
        sys!(strxfrm(v.as_mut_ptr().cast(), s.as_ptr(), v.len()));
        v.truncate(n);
        decode_fs(cx, &v)
    }

    /// The translation of a message in the current domain.
    #[pyfunction(sig = "(msg, /)", name = "gettext")]
    fn py_gettext(cx: &Ctx, msg: &Obj) -> PyResult {
        let m = c_text(cx, msg)?;
        text(cx, sys!(gettext(m.as_ptr())))
    }

    /// The translation of a message in a domain.
    #[pyfunction(sig = "(domain, msg, /)", name = "dgettext")]
    fn py_dgettext(cx: &Ctx, domain: &Obj, msg: &Obj) -> PyResult {
        let (d, m) = (optional(cx, domain)?, c_text(cx, msg)?);
        text(cx, sys!(dgettext(pointer(&d), m.as_ptr())))
    }

    /// The translation of a message in a domain and category.
    #[pyfunction(sig = "(domain, msg, category, /)", name = "dcgettext")]
    fn py_dcgettext(cx: &Ctx, domain: &Obj, msg: &Obj, category: i32) -> PyResult {
        let (d, m) = (optional(cx, domain)?, c_text(cx, msg)?);
        text(cx, sys!(dcgettext(pointer(&d), m.as_ptr(), category)))
    }

    /// Sets (or, with None, asks for) the current domain.
    #[pyfunction(sig = "(domain, /)", name = "textdomain")]
    fn py_textdomain(cx: &Ctx, domain: &Obj) -> PyResult {
        let d = optional(cx, domain)?;
        text(cx, sys!(textdomain(pointer(&d))))
    }

    /// Sets (or, with None, asks for) the folder of a domain's catalogues.
    #[pyfunction(sig = "(domain, dir, /)", name = "bindtextdomain")]
    fn py_bindtextdomain(cx: &Ctx, domain: &Obj, dir: &Obj) -> PyResult {
        let (d, p) = (c_text(cx, domain)?, optional(cx, dir)?);
        if d.is_empty() {
            return Err(error(cx, "domain must be a non-empty string"));
        }
        text(cx, sys!(bindtextdomain(d.as_ptr(), pointer(&p))))
    }

    /// Sets (or, with None, asks for) the encoding of a domain's catalogues.
    #[pyfunction(sig = "(domain, codeset, /)", name = "bind_textdomain_codeset")]
    fn py_bind_textdomain_codeset(cx: &Ctx, domain: &Obj, codeset: &Obj) -> PyResult {
        let (d, c) = (c_text(cx, domain)?, optional(cx, codeset)?);
        let r = sys!(bind_textdomain_codeset(d.as_ptr(), pointer(&c)));
        if r.is_null() { Ok(Obj::none()) } else { text(cx, r) }
    }
}
