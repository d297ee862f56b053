//! `_multibytecodec` and `_codecs_*`: the encodings of East Asia, whose characters take several bytes.

mod chinese;
mod codec;
mod coders;
mod driver;
mod iso2022;
mod japanese;
mod korean;
mod streams;
mod tables;

use cinder_pyobj::native::pymodule;
use cinder_pyobj::types::exc;
use cinder_pyobj::types::str::Str;
use cinder_pyobj::{Ctx, Obj, PyResult};

use codec::{Codec, Plain};
use driver::Named;
use japanese::Version;
use tables::Set;

const fn named(name: &'static str, codec: &'static dyn Codec) -> Named {
    Named { name, codec }
}

static CHINA: [Named; 4] = [
    named("gb2312", &Plain(Set::Gb2312)),
    named("gbk", &Plain(Set::Gbk)),
    named("gb18030", &chinese::Gb18030),
    named("hz", &chinese::Hz),
];

static HONG_KONG: [Named; 1] = [named("big5hkscs", &Plain(Set::Big5Hkscs))];

static TAIWAN: [Named; 2] = [named("big5", &Plain(Set::Big5)), named("cp950", &Plain(Set::Cp950))];

static JAPAN: [Named; 7] = [
    named("shift_jis", &japanese::ShiftJis),
    named("cp932", &japanese::Cp932),
    named("euc_jp", &japanese::EucJp),
    named("shift_jis_2004", &japanese::ShiftJis0213(Version::Of2004)),
    named("euc_jis_2004", &japanese::EucJis0213(Version::Of2004)),
    named("euc_jisx0213", &japanese::EucJis0213(Version::Of2000)),
    named("shift_jisx0213", &japanese::ShiftJis0213(Version::Of2000)),
];

static KOREA: [Named; 3] =
    [named("euc_kr", &korean::EucKr), named("cp949", &korean::Uhc), named("johab", &korean::Johab)];

static ISO_2022: [Named; 7] = [
    named("iso2022_kr", &iso2022::KR),
    named("iso2022_jp", &iso2022::JP),
    named("iso2022_jp_1", &iso2022::JP_1),
    named("iso2022_jp_2", &iso2022::JP_2),
    named("iso2022_jp_2004", &iso2022::JP_2004),
    named("iso2022_jp_3", &iso2022::JP_3),
    named("iso2022_jp_ext", &iso2022::JP_EXT),
];

/// The codec of that name, as a new object.
fn find(cx: &Ctx, codecs: &[Named], name: &Obj) -> PyResult {
    let Some(name) = name.downcast::<Str>() else { return Err(cx.type_error("encoding name must be a string.")) };
    match codecs.iter().find(|c| name.as_str() == Some(c.name)) {
        Some(c) => Ok(coders::new_codec(*c)),
        None => Err(cx.raise(exc::LookupError(), "no such codec is supported.")),
    }
}

/// Coders for encodings of several bytes a character, as the modules of the package encodings derive from them.
#[pymodule(
    name = "_multibytecodec",
    classes(
        super::coders::MultibyteIncrementalDecoder,
        super::coders::MultibyteIncrementalEncoder,
        super::streams::MultibyteStreamReader,
        super::streams::MultibyteStreamWriter
    )
)]
pub(crate) mod multibytecodec {
    use super::*;

    /// Makes a codec of a table that native code describes; there is no other way to have one than getcodec().
    #[pyfunction(sig = "(object, /)")]
    fn __create_codec(cx: &Ctx, object: &Obj) -> PyResult {
        let _ = object;
        Err(cx.value_error("argument type invalid"))
    }
}

/// Encodings of mainland China.
#[pymodule(name = "_codecs_cn")]
pub(crate) mod cn {
    use super::*;

    /// The codec of that name.
    #[pyfunction(sig = "(name, /)")]
    fn getcodec(cx: &Ctx, name: &Obj) -> PyResult {
        find(cx, &CHINA, name)
    }
}

/// Encodings of Hong Kong.
#[pymodule(name = "_codecs_hk")]
pub(crate) mod hk {
    use super::*;

    /// The codec of that name.
    #[pyfunction(sig = "(name, /)")]
    fn getcodec(cx: &Ctx, name: &Obj) -> PyResult {
        find(cx, &HONG_KONG, name)
    }
}

/// Encodings that designate their character sets by escape sequences.
#[pymodule(name = "_codecs_iso2022")]
pub(crate) mod iso2022_module {
    use super::*;

    /// The codec of that name.
    #[pyfunction(sig = "(name, /)")]
    fn getcodec(cx: &Ctx, name: &Obj) -> PyResult {
        find(cx, &ISO_2022, name)
    }
}

/// Encodings of Japan.
#[pymodule(name = "_codecs_jp")]
pub(crate) mod jp {
    use super::*;

    /// The codec of that name.
    #[pyfunction(sig = "(name, /)")]
    fn getcodec(cx: &Ctx, name: &Obj) -> PyResult {
        find(cx, &JAPAN, name)
    }
}

/// Encodings of Korea.
#[pymodule(name = "_codecs_kr")]
pub(crate) mod kr {
    use super::*;

    /// The codec of that name.
    #[pyfunction(sig = "(name, /)")]
    fn getcodec(cx: &Ctx, name: &Obj) -> PyResult {
        find(cx, &KOREA, name)
    }
}

/// Encodings of Taiwan.
#[pymodule(name = "_codecs_tw")]
pub(crate) mod tw {
    use super::*;

    /// The codec of that name.
    #[pyfunction(sig = "(name, /)")]
    fn getcodec(cx: &Ctx, name: &Obj) -> PyResult {
        find(cx, &TAIWAN, name)
    }
}
