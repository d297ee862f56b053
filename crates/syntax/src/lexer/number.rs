//! Numbers: logos finds the longest well-formed one, here is what is wrong behind or inside it.

use super::{Lexer, Stop};
use crate::token::Tok;

/// Keywords that may follow a number without space, though with a warning.
const FOLLOWERS: [&str; 5] = ["and", "else", "for", "or", "not"];

/// A reader over the bytes of a possible number.
struct Scan<'s> {
    bytes: &'s [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    /// Digits with single underscores between them, from the first digit on. False: an underscore without a
    /// digit behind it was passed.
    fn digits(&mut self, is_digit: fn(&u8) -> bool) -> bool {
        loop {
            while is_digit(&self.peek()) {
                self.at += 1;
            }
            if self.peek() != b'_' {
                return true;
            }
            self.at += 1;
            if !is_digit(&self.peek()) {
                return false;
            }
        }
    }
}

impl Lexer<'_> {
    pub(super) fn number(&mut self, start: usize, end: usize) -> Result<(), Stop> {
        let follower = self.byte(end).unwrap_or(b' ');
        let leading_zero = self.byte(start) == Some(b'0') && matches!(self.byte(start + 1), Some(b'0'..=b'9' | b'_'));
        let end = if leading_zero || follower == b'_' || follower.is_ascii_alphanumeric() {
            self.odd_number(start)?
        } else {
            end
        };
        self.go_to(end);
        self.push(Tok::Number, start, end);
        Ok(())
    }

    /// Reads a number by hand and says where it ends.
    fn odd_number(&mut self, start: usize) -> Result<usize, Stop> {
        let mut scan = Scan { bytes: self.source.as_bytes(), at: start };
        if scan.peek() == b'0' {
            let (name, is_digit): (&str, fn(&u8) -> bool) = match self.byte(start + 1) {
                Some(b'x' | b'X') => ("hexadecimal", u8::is_ascii_hexdigit),
                Some(b'o' | b'O') => ("octal", |byte| matches!(byte, b'0'..=b'7')),
                Some(b'b' | b'B') => ("binary", |byte| matches!(byte, b'0' | b'1')),
                _ => return self.decimal(scan, start),
            };
            scan.at += 2;
            let underscore = scan.peek() == b'_';
            scan.at += usize::from(underscore);
            let fine = is_digit(&scan.peek()) && scan.digits(is_digit);
            let next = scan.peek();
            if next.is_ascii_digit() {
                let digit = char::from(next);
                return Err(self.error(scan.at + 1, format!("invalid digit '{digit}' in {name} literal")));
            }
            if !fine {
                return Err(self.error(scan.at, format!("invalid {name} literal")));
            }
            return self.end_of_number(scan.at, name);
        }
        self.decimal(scan, start)
    }

    fn decimal(&mut self, mut scan: Scan, start: usize) -> Result<usize, Stop> {
        let is_digit: fn(&u8) -> bool = u8::is_ascii_digit;
        let wrong = |lexer: &Self, at: usize| Err(lexer.error(at, "invalid decimal literal"));
        let mut zeros_end = None;
        if scan.peek() == b'0' {
            let zeros = scan.bytes.get(start..).unwrap_or_default();
            let count = zeros.iter().take_while(|byte| matches!(byte, b'0' | b'_')).count();
            let next = scan.bytes.get(start + count).copied().unwrap_or(0);
            if next.is_ascii_digit() {
                zeros_end = Some(start + count + 1);
            }
        }
        if scan.peek() != b'.' && !scan.digits(is_digit) {
            return wrong(self, scan.at);
        }
        let mut is_int = true;
        if scan.peek() == b'.' {
            is_int = false;
            scan.at += 1;
            if is_digit(&scan.peek()) && !scan.digits(is_digit) {
                return wrong(self, scan.at);
            }
        }
        if matches!(scan.peek(), b'e' | b'E') {
            let exponent = scan.at;
            scan.at += 1;
            let signed = matches!(scan.peek(), b'+' | b'-');
            scan.at += usize::from(signed);
            if !is_digit(&scan.peek()) {
                return if signed { wrong(self, scan.at) } else { self.end_of_number(exponent, "decimal") };
            }
            is_int = false;
            if !scan.digits(is_digit) {
                return wrong(self, scan.at);
            }
        }
        if matches!(scan.peek(), b'j' | b'J') {
            return self.end_of_number(scan.at + 1, "imaginary");
        }
        if let (true, Some(zeros_end), false) = (is_int, zeros_end, self.options.trivia) {
            let mut error = self.error(
                zeros_end,
                "leading zeros in decimal integer literals are not permitted; use an 0o prefix for octal integers",
            );
            error.offset = self.characters_before(start) + 1;
            return Err(error);
        }
        self.end_of_number(scan.at, "decimal")
    }

    fn end_of_number(&mut self, end: usize, name: &str) -> Result<usize, Stop> {
        if self.options.trivia {
            // Tools that look at tokens have to cope with sources that are no Python.
            return Ok(end);
        }
        let rest = self.source.as_bytes().get(end..).unwrap_or_default();
        let goes_on = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || !byte.is_ascii();
        let is_keyword = |keyword: &&str| {
            rest.strip_prefix(keyword.as_bytes()).is_some_and(|behind| !behind.first().is_some_and(goes_on))
        };
        // Of `if`, `in` and `is` Python looks at no more than the two letters.
        if matches!(rest, [b'i', b'f' | b'n' | b's', ..]) || FOLLOWERS.iter().any(is_keyword) {
            self.warn(end, format!("invalid {name} literal"));
        } else if rest.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
            return Err(self.error(end, format!("invalid {name} literal")));
        }
        Ok(end)
    }
}
