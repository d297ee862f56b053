//! The methods that bytes and bytearray share.

/// Declares the shared methods for one of the two classes.
macro_rules! shared_methods {
    ($T:ident) => {
        #[pymethods(part = "shared")]
        impl $T {
            /// Returns a copy with the first byte in upper case and the rest in lower case (ASCII).
            #[pymethod]
            fn capitalize(_cx: &Ctx, this: This<'_, $T>) -> Obj {
                changed(this.payload(), ascii::capitalize)
            }

            /// Returns a copy in lower case (ASCII).
            #[pymethod]
            fn lower(_cx: &Ctx, this: This<'_, $T>) -> Obj {
                changed(this.payload(), <[u8]>::make_ascii_lowercase)
            }

            /// Returns a copy in upper case (ASCII).
            #[pymethod]
            fn upper(_cx: &Ctx, this: This<'_, $T>) -> Obj {
                changed(this.payload(), <[u8]>::make_ascii_uppercase)
            }

            /// Returns a copy with the case of ASCII letters exchanged.
            #[pymethod]
            fn swapcase(_cx: &Ctx, this: This<'_, $T>) -> Obj {
                changed(this.payload(), ascii::swapcase)
            }

            /// Returns a copy in which runs of ASCII letters start in upper case and go on in lower case.
            #[pymethod]
            fn title(_cx: &Ctx, this: This<'_, $T>) -> Obj {
                changed(this.payload(), ascii::title)
            }

            /// Whether there are bytes and all are ASCII letters or digits.
            #[pymethod]
            fn isalnum(_cx: &Ctx, this: This<'_, $T>) -> bool {
                this.payload().with(|b| ascii::all(b, |c| c.is_ascii_alphanumeric()))
            }

            /// Whether there are bytes and all are ASCII letters.
            #[pymethod]
            fn isalpha(_cx: &Ctx, this: This<'_, $T>) -> bool {
                this.payload().with(|b| ascii::all(b, |c| c.is_ascii_alphabetic()))
            }

            /// Whether all bytes are ASCII.
            #[pymethod]
            fn isascii(_cx: &Ctx, this: This<'_, $T>) -> bool {
                this.payload().with(<[u8]>::is_ascii)
            }

            /// Whether there are bytes and all are ASCII digits.
            #[pymethod]
            fn isdigit(_cx: &Ctx, this: This<'_, $T>) -> bool {
                this.payload().with(|b| ascii::all(b, |c| c.is_ascii_digit()))
            }

            /// Whether there is a letter and all letters are in lower case.
            #[pymethod]
            fn islower(_cx: &Ctx, this: This<'_, $T>) -> bool {
                this.payload().with(ascii::is_lower)
            }

            /// Whether there are bytes and all are ASCII whitespace.
            #[pymethod]
            fn isspace(_cx: &Ctx, this: This<'_, $T>) -> bool {
                this.payload().with(|b| ascii::all(b, ascii::is_space))
            }

            /// Whether every run of letters starts in upper case and goes on in lower case, and there is one.
            #[pymethod]
            fn istitle(_cx: &Ctx, this: This<'_, $T>) -> bool {
                this.payload().with(ascii::is_title)
            }

            /// Whether there is a letter and all letters are in upper case.
            #[pymethod]
            fn isupper(_cx: &Ctx, this: This<'_, $T>) -> bool {
                this.payload().with(ascii::is_upper)
            }

            /// Returns the bytes in the middle of a field.
            #[pymethod(sig = "($self, width, fillchar=b' ', /)")]
            fn center(cx: &Ctx, this: This<'_, $T>, width: &Obj, fillchar: Option<&Obj>) -> PyResult {
                let (width, fill) = (width.to_isize(cx)?, args::fill(cx, "center", fillchar)?);
                padded(cx, this, width, fill, |n| crate::types::str::edit::center_left(n, width))
            }

            /// Returns the bytes at the left of a field.
            #[pymethod(sig = "($self, width, fillchar=b' ', /)")]
            fn ljust(cx: &Ctx, this: This<'_, $T>, width: &Obj, fillchar: Option<&Obj>) -> PyResult {
                let (width, fill) = (width.to_isize(cx)?, args::fill(cx, "ljust", fillchar)?);
                padded(cx, this, width, fill, |_| 0)
            }

            /// Returns the bytes at the right of a field.
            #[pymethod(sig = "($self, width, fillchar=b' ', /)")]
            fn rjust(cx: &Ctx, this: This<'_, $T>, width: &Obj, fillchar: Option<&Obj>) -> PyResult {
                let (width, fill) = (width.to_isize(cx)?, args::fill(cx, "rjust", fillchar)?);
                padded(cx, this, width, fill, |n| n)
            }

            /// Fills up with ASCII zeros at the left, after a sign.
            #[pymethod(sig = "($self, width, /)")]
            fn zfill(cx: &Ctx, this: This<'_, $T>, width: &Obj) -> PyResult {
                let width = width.to_isize(cx)?;
                if ops::missing(this.payload().with(<[u8]>::len), width) == 0 {
                    return Ok(this.payload().same(this.obj()));
                }
                this.payload().with(|b| ops::zfill(cx, b, width)).map($T::make)
            }

            /// Returns a copy in which tabs are replaced by spaces up to the next column.
            #[pymethod(sig = "($self, /, tabsize=8)")]
            fn expandtabs(cx: &Ctx, this: This<'_, $T>, tabsize: Option<&Obj>) -> PyResult {
                let tab = args::c_int(cx, tabsize, 8)?;
                this.payload().with(|b| ops::expandtabs(cx, b, tab)).map($T::make)
            }

            /// Returns a copy without the given bytes (ASCII whitespace by default) at both ends.
            #[pymethod(sig = "($self, bytes=None, /)")]
            fn strip(cx: &Ctx, this: This<'_, $T>, bytes: Option<&Obj>) -> PyResult {
                stripped(cx, this, bytes, true, true)
            }

            /// Returns a copy without the given bytes (ASCII whitespace by default) at the start.
            #[pymethod(sig = "($self, bytes=None, /)")]
            fn lstrip(cx: &Ctx, this: This<'_, $T>, bytes: Option<&Obj>) -> PyResult {
                stripped(cx, this, bytes, true, false)
            }

            /// Returns a copy without the given bytes (ASCII whitespace by default) at the end.
            #[pymethod(sig = "($self, bytes=None, /)")]
            fn rstrip(cx: &Ctx, this: This<'_, $T>, bytes: Option<&Obj>) -> PyResult {
                stripped(cx, this, bytes, false, true)
            }

            /// Returns a copy without the prefix if it is there.
            #[pymethod(sig = "($self, prefix, /)")]
            fn removeprefix(cx: &Ctx, this: This<'_, $T>, prefix: &Obj) -> PyResult {
                let p = BytesLike::new(cx, prefix)?.to_vec();
                let rest = this.payload().with(|b| b.strip_prefix(&p[..]).map(<[u8]>::to_vec));
                Ok(rest.map_or_else(|| this.payload().same(this.obj()), $T::make))
            }

            /// Returns a copy without the suffix if it is there.
            #[pymethod(sig = "($self, suffix, /)")]
            fn removesuffix(cx: &Ctx, this: This<'_, $T>, suffix: &Obj) -> PyResult {
                let p = BytesLike::new(cx, suffix)?.to_vec();
                let rest = this.payload().with(|b| b.strip_suffix(&p[..]).map(<[u8]>::to_vec));
                Ok(rest.map_or_else(|| this.payload().same(this.obj()), $T::make))
            }

            /// Returns a copy with occurrences of a subsection replaced, all or the first `count`.
            #[pymethod(sig = "($self, old, new, count=-1, /)")]
            fn replace(cx: &Ctx, this: This<'_, $T>, old: &Obj, new: &Obj, count: Option<&Obj>) -> PyResult {
                let (old, new) = (BytesLike::new(cx, old)?.to_vec(), BytesLike::new(cx, new)?.to_vec());
                let count = count.map_or(Ok(-1), |c| c.to_isize(cx))?;
                let r = this.payload().with(|b| ops::replace(cx, b, &old, &new, count))?;
                Ok(r.map_or_else(|| this.payload().same(this.obj()), $T::make))
            }

            /// Returns a list of the parts between separators (runs of ASCII whitespace by default).
            #[pymethod(sig = "($self, /, sep=None, maxsplit=-1)")]
            fn split(cx: &Ctx, this: This<'_, $T>, sep: Option<&Obj>, maxsplit: Option<&Obj>) -> PyResult {
                let _held = this.payload().hold();
                let max = maxsplit.map_or(Ok(-1), |m| m.to_isize(cx))?;
                let sep = separator(cx, sep)?;
                Ok(this.payload().with(|b| pieces::<$T>(ops::split(b, sep.as_deref(), max))))
            }

            /// As split, but splits from the right.
            #[pymethod(sig = "($self, /, sep=None, maxsplit=-1)")]
            fn rsplit(cx: &Ctx, this: This<'_, $T>, sep: Option<&Obj>, maxsplit: Option<&Obj>) -> PyResult {
                let _held = this.payload().hold();
                let max = maxsplit.map_or(Ok(-1), |m| m.to_isize(cx))?;
                let sep = separator(cx, sep)?;
                Ok(this.payload().with(|b| pieces::<$T>(ops::rsplit(b, sep.as_deref(), max))))
            }

            /// Returns a list of the lines.
            #[pymethod(sig = "($self, /, keepends=False)")]
            fn splitlines(cx: &Ctx, this: This<'_, $T>, keepends: Option<&Obj>) -> PyResult {
                let keep = keepends.map_or(Ok(false), |k| k.truthy(cx))?;
                Ok(this.payload().with(|b| pieces::<$T>(ops::splitlines(b, keep))))
            }

            /// Splits at the first separator: the part before, the separator, the part after.
            #[pymethod(sig = "($self, sep, /)")]
            fn partition(cx: &Ctx, this: This<'_, $T>, sep: &Obj) -> PyResult {
                parted(cx, this, sep, false)
            }

            /// Splits at the last separator: the part before, the separator, the part after.
            #[pymethod(sig = "($self, sep, /)")]
            fn rpartition(cx: &Ctx, this: This<'_, $T>, sep: &Obj) -> PyResult {
                parted(cx, this, sep, true)
            }

            /// Concatenates bytes-like objects with this one between them.
            #[pymethod(sig = "($self, iterable_of_bytes, /)")]
            fn join(cx: &Ctx, this: This<'_, $T>, iterable_of_bytes: &Obj) -> PyResult {
                let _held = this.payload().hold();
                let sep = this.payload().with(<[u8]>::to_vec);
                join(cx, &sep, iterable_of_bytes, stringify!($T) == "Bytes").map(|r| r.map_or_else(|o| o, $T::make))
            }

            /// Translates each byte by a table of 256 bytes (None: as they are) and deletes some before.
            #[pymethod(sig = "($self, table, /, delete=b'')")]
            fn translate(cx: &Ctx, this: This<'_, $T>, table: &Obj, delete: Option<&Obj>) -> PyResult {
                let table = translation_table(cx, table)?;
                let delete = delete.map_or(Ok(Vec::new()), |d| Ok(BytesLike::new(cx, d)?.to_vec()))?;
                let old = this.payload().with(<[u8]>::to_vec);
                let new = ops::translate(&old, table.as_deref(), &delete);
                if new == old {
                    return Ok(this.payload().same(this.obj()));
                }
                Ok($T::make(new))
            }

            /// Makes a table for `translate` that maps the bytes of one argument to those of the other.
            #[pystaticmethod(sig = "(frm, to, /)")]
            fn maketrans(cx: &Ctx, frm: &Obj, to: &Obj) -> PyResult {
                maketrans(cx, frm, to)
            }

            /// Returns the lowest index of a subsection (or byte) in b[start:end], or -1.
            #[pymethod(sig = "($self, sub, start=None, end=None, /)")]
            fn find(cx: &Ctx, this: This<'_, $T>, sub: &Obj, start: Option<&Obj>, end: Option<&Obj>) -> PyResult<i64> {
                Ok(found(cx, this, sub, start, end, |n, b| n.find(b))?.map_or(-1, |(start, i)| (start + i) as i64))
            }

            /// Returns the highest index of a subsection (or byte) in b[start:end], or -1.
            #[pymethod(sig = "($self, sub, start=None, end=None, /)")]
            fn rfind(cx: &Ctx, this: This<'_, $T>, sub: &Obj, start: Option<&Obj>, end: Option<&Obj>) -> PyResult<i64> {
                Ok(found(cx, this, sub, start, end, |n, b| n.rfind(b))?.map_or(-1, |(start, i)| (start + i) as i64))
            }

            /// As find, but raises ValueError where the subsection is not found.
            #[pymethod(sig = "($self, sub, start=None, end=None, /)")]
            fn index(
                cx: &Ctx,
                this: This<'_, $T>,
                sub: &Obj,
                start: Option<&Obj>,
                end: Option<&Obj>,
            ) -> PyResult<usize> {
                found(cx, this, sub, start, end, |n, b| n.find(b))?
                    .map(|(start, i)| start + i)
                    .ok_or_else(|| cx.value_error("subsection not found"))
            }

            /// As rfind, but raises ValueError where the subsection is not found.
            #[pymethod(sig = "($self, sub, start=None, end=None, /)")]
            fn rindex(
                cx: &Ctx,
                this: This<'_, $T>,
                sub: &Obj,
                start: Option<&Obj>,
                end: Option<&Obj>,
            ) -> PyResult<usize> {
                found(cx, this, sub, start, end, |n, b| n.rfind(b))?
                    .map(|(start, i)| start + i)
                    .ok_or_else(|| cx.value_error("subsection not found"))
            }

            /// Counts the occurrences of a subsection (or byte) in b[start:end] that do not overlap.
            #[pymethod(sig = "($self, sub, start=None, end=None, /)")]
            fn count(
                cx: &Ctx,
                this: This<'_, $T>,
                sub: &Obj,
                start: Option<&Obj>,
                end: Option<&Obj>,
            ) -> PyResult<usize> {
                Ok(found(cx, this, sub, start, end, |n, b| Some(n.places(b).count()))?.map_or(0, |(_, n)| n))
            }

            /// Whether b[start:end] starts with the prefix, or with one of a tuple of prefixes.
            #[pymethod(sig = "($self, prefix, start=None, end=None, /)")]
            fn startswith(
                cx: &Ctx,
                this: This<'_, $T>,
                prefix: &Obj,
                start: Option<&Obj>,
                end: Option<&Obj>,
            ) -> PyResult<bool> {
                tailmatch(cx, this, prefix, start, end, false)
            }

            /// Whether b[start:end] ends with the suffix, or with one of a tuple of suffixes.
            #[pymethod(sig = "($self, suffix, start=None, end=None, /)")]
            fn endswith(
                cx: &Ctx,
                this: This<'_, $T>,
                suffix: &Obj,
                start: Option<&Obj>,
                end: Option<&Obj>,
            ) -> PyResult<bool> {
                tailmatch(cx, this, suffix, start, end, true)
            }

            /// Returns the bytes as hexadecimal digits, optionally with a separator between groups.
            ///
            /// Groups are counted from the right, with a negative bytes_per_sep from the left.
            ///
            /// >>> b'cinder'.hex()
            /// '63696e646572'
            /// >>> b'cinder'.hex('-', 4)
            /// '6369-6e646572'
            #[pymethod(sig = "($self, /, sep=<unrepresentable>, bytes_per_sep=1)")]
            fn hex(cx: &Ctx, this: This<'_, $T>, sep: Option<&Obj>, bytes_per_sep: Option<&Obj>) -> PyResult {
                let _held = this.payload().hold();
                let (sep, group) = (hex::separator(cx, sep)?, args::c_int(cx, bytes_per_sep, 1)?);
                Ok(crate::types::str::from_latin1(&this.payload().with(|b| hex::to_hex(b, sep, group))))
            }

            /// Makes bytes from pairs of hexadecimal digits; blanks between pairs are skipped.
            #[pyclassmethod(sig = "($type, string, /)")]
            fn fromhex(cx: &Ctx, ty: &Type, string: &Obj) -> PyResult {
                let b = $T::make(hex::from_hex(cx, string)?);
                if ty.is(<$T as crate::native::PyClass>::type_object()) { Ok(b) } else { ty.as_obj().call1(cx, &b) }
            }

            /// Decodes the bytes.
            #[pymethod(sig = "($self, /, encoding='utf-8', errors='strict')")]
            fn decode(cx: &Ctx, this: This<'_, $T>, encoding: Option<&Obj>, errors: Option<&Obj>) -> PyResult {
                let encoding = codec_name(cx, encoding, "encoding", "utf-8")?;
                let errors = codec_name(cx, errors, "errors", "strict")?;
                crate::codecs::decode(cx, this.obj(), &encoding, &errors)
            }

            fn nb_mod(cx: &Ctx, a: &Obj, b: &Obj) -> PyResult {
                let Some(s) = a.downcast::<$T>() else { return Ok(Obj::not_implemented()) };
                let _held = s.hold();
                let template = s.with(<[u8]>::to_vec);
                let out = percent::format(cx, StrData::Latin1(&template), b, percent::Kind::Bytes)?;
                Ok($T::make(latin1_of(&out)))
            }

            fn __contains__(cx: &Ctx, this: This<'_, $T>, item: &Obj) -> PyResult<bool> {
                let _held = this.payload().hold();
                if item.is_int() || item.type_of().slots.index.get().is_some() {
                    // What gives no number may still lend bytes.
                    match item.index(cx) {
                        Ok(n) => {
                            let c = args::byte(cx, &n)?;
                            return Ok(this.payload().with(|b| memchr::memchr(c, b).is_some()));
                        }
                        Err(r) => cx.swallow(r, exc::Exception())?,
                    }
                }
                let n = BytesLike::new(cx, item)?.to_vec();
                Ok(this.payload().with(|b| Needle::bytes(&n).find(b).is_some()))
            }

            fn __richcmp__(cx: &Ctx, this: This<'_, $T>, other: &Obj, op: CmpOp) -> PyResult {
                // Bytes know only bytes: what is more general compares itself with them.
                let immutable = stringify!($T) == "Bytes";
                if !args::is_bytes_like(other) || (immutable && other.downcast::<super::Bytes>().is_none()) {
                    if crate::ctx::Strictness::bytes_warning() && matches!(op, CmpOp::Eq | CmpOp::Ne) {
                        args::warn_of_comparison(cx, this.obj(), other)?;
                    }
                    return Ok(Obj::not_implemented());
                }
                let other = match BytesLike::new(cx, other) {
                    Ok(o) => o,
                    Err(r) => {
                        cx.swallow(r, exc::BufferError())?;
                        return Ok(Obj::not_implemented());
                    }
                };
                let o = this.payload().with(|a| other.with(|b| a.cmp(b)));
                Ok(Obj::from_bool(op.holds(o)))
            }

            fn __len__(_cx: &Ctx, this: This<'_, $T>) -> PyResult<usize> {
                Ok(this.payload().with(<[u8]>::len))
            }

            fn sq_repeat(cx: &Ctx, this: This<'_, $T>, n: isize) -> PyResult {
                if n == 1 {
                    return Ok(this.payload().same(this.obj()));
                }
                let b = this.payload().with(|b| ops::repeat(cx, b, n))?;
                Ok($T::make(b))
            }

            fn sq_concat(cx: &Ctx, this: This<'_, $T>, other: &Obj) -> PyResult {
                if !args::is_bytes_like(other) {
                    return Err(cx.type_error(format!(
                        "can't concat {} to {}",
                        other.type_of().name(),
                        this.obj().type_of().name()
                    )));
                }
                let other = BytesLike::new(cx, other)?;
                let mut out = room(cx, this.payload().with(<[u8]>::len) + other.len())?;
                this.payload().with(|b| out.extend_from_slice(b));
                other.with(|b| out.extend_from_slice(b));
                Ok($T::make(out))
            }
        }
    };
}
pub(super) use shared_methods;
