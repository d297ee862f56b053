//! `cargo xtask cjk-tables PYTHON`: writes the character sets of East Asia from what an installed CPython 3.14 decodes
//! and encodes.
//!
//! A table is a grid of double-byte codes. Most differ little from another one, their parent, and hold only what
//! differs. How the file is laid out says `crates/stdlib/src/modules/cjk/tables.rs`, which reads it.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::process::Command;

use xtask::workspace;

/// Writes a line for each code of each table (`d table code character [character]`) and for each character that
/// encodes to a code of the table's form (`e table character code`).
const ORACLE: &str = r#"
def double(codec, leads, trails, code=lambda a, b: a << 8 | b, data=lambda a, b: bytes((a, b))):
    for a in leads:
        for b in trails:
            try:
                text = data(a, b).decode(codec)
            except UnicodeDecodeError:
                continue
            yield code(a, b), text

def shift_jis(a, b):
    row, cell = 2 * (a - 0x81 if a < 0xa0 else a - 0xc1), b - 0x40 - (b > 0x7f)
    return (0x21 + row + cell // 94) << 8 | (0x21 + cell % 94)

def plane_two(a, b):
    rows = [1, 8, 3, 4, 5, 12, 13, 14, 15, *range(78, 95)]
    code = shift_jis(a, b)
    return (0x20 + rows[(code >> 8) - 0x7f]) << 8 | code & 0xff

def jis(a, b):
    return a << 8 & 0x7f00 | b & 0x7f

high, byte = range(0xa1, 0xff), range(0x40, 0xff)
three = lambda a, b: bytes((0x8f, a, b))
trails = [b for b in range(0x40, 0xfd) if b != 0x7f]
decoded = {
    "gb2312": double("gb2312", high, high),
    "gbk": double("gbk", range(0x81, 0xff), byte),
    "gb18030": double("gb18030", range(0x81, 0xff), byte),
    "big5": double("big5", range(0x81, 0xff), byte),
    "cp950": double("cp950", range(0x81, 0xff), byte),
    "big5hkscs": double("big5hkscs", range(0x81, 0xff), byte),
    "ksx1001": double("cp949", high, high),
    "jisx0208": double("euc_jp", high, high, jis),
    "jisx0212": double("euc_jp", high, high, jis, three),
    "jisx0213_1": double("euc_jis_2004", high, high, jis),
    "jisx0213_2": double("shift_jis_2004", range(0xf0, 0xfd), trails, plane_two),
    "cp932": ((c, t) for c, t in double("cp932", [*range(0x81, 0xa0), *range(0xe0, 0xfd)], trails, shift_jis)
              if not "\ue000" <= t < "\ue758"),
}
for table, codes in decoded.items():
    for code, text in codes:
        print("d", table, code, *map(ord, text))

def two(data):
    return data[0] << 8 | data[1] if len(data) == 2 and data[0] > 0x80 else None

def two_jis(data):
    return jis(*data) if len(data) == 2 and data[0] > 0x8f else None

def three_jis(data):
    return jis(*data[1:]) if len(data) == 3 else None

encoders = {
    "gb2312": ("gb2312", two), "gbk": ("gbk", two), "gb18030": ("gb18030", two), "big5": ("big5", two),
    "cp950": ("cp950", two), "big5hkscs": ("big5hkscs", two), "ksx1001": ("euc_kr", two),
    "jisx0208": ("euc_jp", two_jis), "jisx0212": ("euc_jp", three_jis), "jisx0213_1": ("euc_jis_2004", two_jis),
    "jisx0213_2": ("euc_jis_2004", three_jis),
    "cp932": ("cp932", lambda data: shift_jis(*data) if len(data) == 2 else None),
}
for table, (codec, code_of) in encoders.items():
    for c in range(0x80, 0x110000):
        try:
            code = code_of(chr(c).encode(codec))
        except UnicodeEncodeError:
            continue
        if code is not None:
            print("e", table, c, code)
"#;

/// A table: its name, its parent, the first and last lead byte, the first and last trail byte.
type Definition = (&'static str, Option<&'static str>, [u8; 4]);

const TABLES: &[Definition] = &[
    ("gb2312", None, [0xa1, 0xfe, 0xa1, 0xfe]),
    ("gbk", Some("gb2312"), [0x81, 0xfe, 0x40, 0xfe]),
    ("gb18030", Some("gbk"), [0x81, 0xfe, 0x40, 0xfe]),
    ("big5", None, [0x81, 0xfe, 0x40, 0xfe]),
    ("cp950", Some("big5"), [0x81, 0xfe, 0x40, 0xfe]),
    ("big5hkscs", Some("big5"), [0x81, 0xfe, 0x40, 0xfe]),
    ("ksx1001", None, [0xa1, 0xfe, 0xa1, 0xfe]),
    ("jisx0208", None, [0x21, 0x7e, 0x21, 0x7e]),
    ("jisx0212", None, [0x21, 0x7e, 0x21, 0x7e]),
    ("jisx0213_1", Some("jisx0208"), [0x21, 0x7e, 0x21, 0x7e]),
    ("jisx0213_2", None, [0x21, 0x7e, 0x21, 0x7e]),
    ("cp932", Some("jisx0208"), [0x21, 0x98, 0x21, 0x7e]),
];

/// One table as CPython has it.
#[derive(Default)]
struct Facts {
    decoded: BTreeMap<u32, Vec<u32>>,
    encoded: BTreeMap<u32, u32>,
}

pub fn run(args: &[String]) -> Result<(), Box<dyn Error>> {
    let [python] = args else { return Err("usage: cjk-tables PYTHON".into()) };
    let out = Command::new(python).args(["-c", ORACLE]).output()?;
    if !out.status.success() {
        return Err(format!("{python} failed: {}", String::from_utf8_lossy(&out.stderr)).into());
    }
    let mut facts: HashMap<&str, Facts> = HashMap::new();
    let text = String::from_utf8(out.stdout)?;
    for line in text.lines() {
        let mut words = line.split(' ');
        let (Some(kind), Some(table)) = (words.next(), words.next()) else { return Err("a short line".into()) };
        let numbers = words.map(str::parse).collect::<Result<Vec<u32>, _>>()?;
        let [key, values @ ..] = &*numbers else { return Err("a line without numbers".into()) };
        let f = facts.entry(table).or_default();
        match (kind, values) {
            ("d", [_, ..]) => drop(f.decoded.insert(*key, values.to_vec())),
            ("e", [code]) => drop(f.encoded.insert(*key, *code)),
            _ => return Err(format!("a strange line: {line}").into()),
        }
    }
    let mut file = vec![TABLES.len() as u8];
    let mut bodies = Vec::new();
    for (name, parent, grid) in TABLES {
        let facts_of = |name: &str| facts.get(name).ok_or(format!("no facts of {name}"));
        let body =
            miniz_oxide::deflate::compress_to_vec(&body(facts_of(name)?, parent.map(facts_of).transpose()?, *grid), 10);
        let parent = parent.and_then(|p| TABLES.iter().position(|t| t.0 == p)).map_or(0xff, |i| i as u8);
        println!("{name}: {} codes, {} bytes", facts_of(name)?.decoded.len(), body.len());
        file.extend(grid);
        file.push(parent);
        file.extend((body.len() as u32).to_le_bytes());
        bodies.extend(body);
    }
    file.extend(bodies);
    let path = workspace::root().join("crates/stdlib/src/modules/cjk/tables.bin");
    println!("{} bytes in all", file.len());
    Ok(std::fs::write(path, file)?)
}

/// The uncompressed form of a table.
fn body(facts: &Facts, parent: Option<&Facts>, [first, last, left, right]: [u8; 4]) -> Vec<u8> {
    let mut out = Vec::new();
    let single = |f: &Facts, code| match f.decoded.get(&code).map(Vec::as_slice) {
        Some([c]) => Some(*c),
        _ => None,
    };
    let (mut same, mut expected) = (0, 0);
    for lead in first..=last {
        for trail in left..=right {
            let code = u32::from(lead) << 8 | u32::from(trail);
            let now = single(facts, code);
            if now == parent.and_then(|p| single(p, code)) {
                same += 1;
                continue;
            }
            push_same(&mut out, &mut same);
            match now {
                None => out.push(1),
                Some(c) => {
                    let delta = i64::from(c) - expected;
                    push(&mut out, ((delta << 1 ^ delta >> 63) as u32) + 2);
                    expected = i64::from(c) + 1;
                }
            }
        }
    }
    push_same(&mut out, &mut same);
    let pairs: Vec<_> = facts.decoded.iter().filter(|(_, text)| text.len() == 2).collect();
    push(&mut out, pairs.len() as u32);
    for (code, text) in pairs {
        push(&mut out, *code);
        text.iter().for_each(|c| push(&mut out, *c));
    }
    let exceptions = exceptions(facts);
    push(&mut out, exceptions.len() as u32);
    for (c, code) in exceptions {
        push(&mut out, c);
        push(&mut out, code);
    }
    out
}

/// Where encoding is not what decoding says, the first of several codes taken: characters and their codes, 0 for none.
fn exceptions(facts: &Facts) -> Vec<(u32, u32)> {
    let mut inverse = BTreeMap::new();
    for (code, text) in &facts.decoded {
        if let [c] = **text {
            inverse.entry(c).or_insert(*code);
        }
    }
    // What another set of the same codec encodes is not a matter of this table.
    let encoded = |c: u32| facts.encoded.get(&c).copied().filter(|code| facts.decoded.contains_key(code));
    let mut all: Vec<u32> = inverse.keys().chain(facts.encoded.keys()).copied().collect();
    all.sort_unstable();
    all.dedup();
    all.retain(|c| encoded(*c) != inverse.get(c).copied());
    all.iter().map(|c| (*c, encoded(*c).unwrap_or(0))).collect()
}

fn push_same(out: &mut Vec<u8>, same: &mut u32) {
    if *same > 0 {
        out.push(0);
        push(out, *same);
        *same = 0;
    }
}

/// Seven bits a byte, the lowest first; all but the last have the high bit.
fn push(out: &mut Vec<u8>, mut n: u32) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}
