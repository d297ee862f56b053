//! A stable merge sort that exploits existing order: natural runs, merged with galloping in the order of the
//! powersort policy. Comparisons may fail; whenever the sort returns, the slice is a permutation of its input.

/// Galloping starts when one side wins this many times in a row.
const MIN_GALLOP: usize = 7;

#[derive(Clone, Copy)]
struct Run {
    start: usize,
    len: usize,
    /// The depth of the boundary to the next run in a nearly optimal merge tree.
    power: u32,
}

struct Sorter<'a, T, E, F: FnMut(&T, &T) -> Result<bool, E>> {
    v: &'a mut [T],
    tmp: Vec<T>,
    less: F,
    min_gallop: usize,
    runs: Vec<Run>,
}

/// Sorts `v` by `less`, keeping equal elements in order.
pub(crate) fn sort<T: Copy, E>(v: &mut [T], less: impl FnMut(&T, &T) -> Result<bool, E>) -> Result<(), E> {
    if v.len() < 2 {
        return Ok(());
    }
    let n = v.len();
    let mut s = Sorter { v, tmp: Vec::new(), less, min_gallop: MIN_GALLOP, runs: Vec::new() };
    let min_run = min_run(n);
    let mut start = 0;
    while start < n {
        let mut len = s.natural_run(start)?;
        if len < min_run {
            let forced = min_run.min(n - start);
            s.insertion_sort(start, start + len, start + forced)?;
            len = forced;
        }
        s.push_run(start, len)?;
        start += len;
    }
    while s.runs.len() > 1 {
        s.merge_top()?;
    }
    Ok(())
}

/// The shortest run worth merging: between 32 and 64, such that `n / min_run` is just below a power of two.
fn min_run(mut n: usize) -> usize {
    let mut odd = 0;
    while n >= 64 {
        odd |= n & 1;
        n >>= 1;
    }
    n + odd
}

/// The power of the boundary between two adjacent runs: the first bit in which the midpoints, as fractions
/// of the whole, differ.
fn boundary_power(start: usize, len1: usize, len2: usize, n: usize) -> u32 {
    let (mut a, mut b) = (2 * start as u128 + len1 as u128, 2 * (start + len1) as u128 + len2 as u128);
    let n2 = 2 * n as u128;
    let mut power = 0;
    loop {
        power += 1;
        a *= 2;
        b *= 2;
        let (high_a, high_b) = (a >= n2, b >= n2);
        if high_a != high_b {
            return power;
        }
        if high_a {
            a -= n2;
            b -= n2;
        }
    }
}

impl<T: Copy, E, F: FnMut(&T, &T) -> Result<bool, E>> Sorter<'_, T, E, F> {
    /// The length of the run at `start`; a strictly descending one is reversed.
    fn natural_run(&mut self, start: usize) -> Result<usize, E> {
        let n = self.v.len();
        if start + 1 >= n {
            return Ok(n - start);
        }
        let mut end = start + 2;
        if (self.less)(&self.v[start + 1], &self.v[start])? {
            while end < n && (self.less)(&self.v[end], &self.v[end - 1])? {
                end += 1;
            }
            self.v[start..end].reverse();
        } else {
            while end < n && !(self.less)(&self.v[end], &self.v[end - 1])? {
                end += 1;
            }
        }
        Ok(end - start)
    }

    /// Sorts `start..end` of which `start..sorted` is sorted.
    fn insertion_sort(&mut self, start: usize, sorted: usize, end: usize) -> Result<(), E> {
        for i in sorted..end {
            let x = self.v[i];
            let (mut lo, mut hi) = (start, i);
            while lo < hi {
                let mid = lo + (hi - lo) / 2;
                if (self.less)(&x, &self.v[mid])? {
                    hi = mid;
                } else {
                    lo = mid + 1;
                }
            }
            self.v.copy_within(lo..i, lo + 1);
            self.v[lo] = x;
        }
        Ok(())
    }

    fn push_run(&mut self, start: usize, len: usize) -> Result<(), E> {
        if let Some(last) = self.runs.last().copied() {
            let power = boundary_power(last.start, last.len, len, self.v.len());
            while self.runs.len() > 1 && self.runs[self.runs.len() - 2].power > power {
                self.merge_top()?;
            }
            if let Some(last) = self.runs.last_mut() {
                last.power = power;
            }
        }
        self.runs.push(Run { start, len, power: 0 });
        Ok(())
    }

    fn merge_top(&mut self) -> Result<(), E> {
        let (Some(b), Some(a)) = (self.runs.pop(), self.runs.pop()) else { return Ok(()) };
        self.runs.push(Run { start: a.start, len: a.len + b.len, power: b.power });
        // What is in place already at either end needs no merging.
        let first = self.v[b.start];
        let skip = gallop_right(&first, &self.v[a.start..b.start], 0, &mut self.less)?;
        let (start, len_a) = (a.start + skip, a.len - skip);
        if len_a == 0 {
            return Ok(());
        }
        let last = self.v[b.start - 1];
        let len_b = gallop_left(&last, &self.v[b.start..b.start + b.len], b.len - 1, &mut self.less)?;
        if len_b == 0 {
            return Ok(());
        }
        if len_a <= len_b { self.merge_low(start, len_a, len_b) } else { self.merge_high(start, len_a, len_b) }
    }

    /// Merges adjacent runs from the left; the left one is moved out of the way.
    fn merge_low(&mut self, start: usize, len_a: usize, len_b: usize) -> Result<(), E> {
        self.tmp.clear();
        self.tmp.extend_from_slice(&self.v[start..start + len_a]);
        let tmp = std::mem::take(&mut self.tmp);
        let mut m = Merge { a: 0, b: start + len_a, out: start };
        let r = self.run_merge_low(&tmp, &mut m, start + len_a + len_b);
        // What is left of the first run fits exactly into the gap, also after a failed comparison.
        let rest = &tmp[m.a..];
        self.v[m.out..m.out + rest.len()].copy_from_slice(rest);
        self.tmp = tmp;
        r
    }

    fn run_merge_low(&mut self, tmp: &[T], m: &mut Merge, end: usize) -> Result<(), E> {
        loop {
            let (mut wins_a, mut wins_b) = (0, 0);
            loop {
                if m.a == tmp.len() || m.b == end {
                    return Ok(());
                }
                if (self.less)(&self.v[m.b], &tmp[m.a])? {
                    self.v[m.out] = self.v[m.b];
                    m.b += 1;
                    wins_b += 1;
                    wins_a = 0;
                } else {
                    self.v[m.out] = tmp[m.a];
                    m.a += 1;
                    wins_a += 1;
                    wins_b = 0;
                }
                m.out += 1;
                if wins_a.max(wins_b) >= self.min_gallop {
                    break;
                }
            }
            self.min_gallop += 1;
            loop {
                if m.a == tmp.len() || m.b == end {
                    return Ok(());
                }
                self.min_gallop = self.min_gallop.saturating_sub(1).max(1);
                let x = self.v[m.b];
                let na = gallop_right(&x, &tmp[m.a..], 0, &mut self.less)?;
                self.v[m.out..m.out + na].copy_from_slice(&tmp[m.a..m.a + na]);
                m.a += na;
                m.out += na;
                if m.a == tmp.len() {
                    return Ok(());
                }
                let nb = gallop_left(&tmp[m.a], &self.v[m.b..end], 0, &mut self.less)?;
                self.v.copy_within(m.b..m.b + nb, m.out);
                m.b += nb;
                m.out += nb;
                if na < MIN_GALLOP && nb < MIN_GALLOP {
                    break;
                }
            }
            self.min_gallop += 1;
        }
    }

    /// Merges adjacent runs from the right; the right one is moved out of the way.
    fn merge_high(&mut self, start: usize, len_a: usize, len_b: usize) -> Result<(), E> {
        self.tmp.clear();
        self.tmp.extend_from_slice(&self.v[start + len_a..start + len_a + len_b]);
        let tmp = std::mem::take(&mut self.tmp);
        // Here `a` and `b` count what is left of each run.
        let mut m = Merge { a: len_a, b: len_b, out: start + len_a + len_b };
        let r = self.run_merge_high(&tmp, &mut m, start);
        self.v[m.out - m.b..m.out].copy_from_slice(&tmp[..m.b]);
        self.tmp = tmp;
        r
    }

    fn run_merge_high(&mut self, tmp: &[T], m: &mut Merge, start: usize) -> Result<(), E> {
        loop {
            let (mut wins_a, mut wins_b) = (0, 0);
            loop {
                if m.a == 0 || m.b == 0 {
                    return Ok(());
                }
                m.out -= 1;
                let r = (self.less)(&tmp[m.b - 1], &self.v[start + m.a - 1]);
                match r {
                    Err(e) => {
                        m.out += 1;
                        return Err(e);
                    }
                    Ok(true) => {
                        self.v[m.out] = self.v[start + m.a - 1];
                        m.a -= 1;
                        wins_a += 1;
                        wins_b = 0;
                    }
                    Ok(false) => {
                        self.v[m.out] = tmp[m.b - 1];
                        m.b -= 1;
                        wins_b += 1;
                        wins_a = 0;
                    }
                }
                if wins_a.max(wins_b) >= self.min_gallop {
                    break;
                }
            }
            self.min_gallop += 1;
            loop {
                if m.a == 0 || m.b == 0 {
                    return Ok(());
                }
                self.min_gallop = self.min_gallop.saturating_sub(1).max(1);
                let keep = gallop_right(&tmp[m.b - 1], &self.v[start..start + m.a], m.a - 1, &mut self.less)?;
                let na = m.a - keep;
                self.v.copy_within(start + keep..start + m.a, m.out - na);
                m.a = keep;
                m.out -= na;
                if m.a == 0 {
                    return Ok(());
                }
                let x = self.v[start + m.a - 1];
                let keep = gallop_left(&x, &tmp[..m.b], m.b - 1, &mut self.less)?;
                let nb = m.b - keep;
                self.v[m.out - nb..m.out].copy_from_slice(&tmp[keep..m.b]);
                m.b = keep;
                m.out -= nb;
                if na < MIN_GALLOP && nb < MIN_GALLOP {
                    break;
                }
            }
            self.min_gallop += 1;
        }
    }
}

struct Merge {
    a: usize,
    b: usize,
    out: usize,
}

/// How many elements of sorted `v` are `<= x`, searched exponentially from `hint`.
fn gallop_right<T, E>(
    x: &T,
    v: &[T],
    hint: usize,
    less: &mut impl FnMut(&T, &T) -> Result<bool, E>,
) -> Result<usize, E> {
    gallop(v, hint, |y| less(x, y).map(|l| !l))
}

/// How many elements of sorted `v` are `< x`, searched exponentially from `hint`.
fn gallop_left<T, E>(
    x: &T,
    v: &[T],
    hint: usize,
    less: &mut impl FnMut(&T, &T) -> Result<bool, E>,
) -> Result<usize, E> {
    gallop(v, hint, |y| less(y, x))
}

/// The length of the prefix of `v` that satisfies `pred`, which holds for a prefix only.
fn gallop<T, E>(v: &[T], hint: usize, mut pred: impl FnMut(&T) -> Result<bool, E>) -> Result<usize, E> {
    let (mut lo, mut hi);
    let mut step = 1;
    if pred(&v[hint])? {
        lo = hint + 1;
        loop {
            let next = lo.saturating_add(step - 1);
            if next >= v.len() {
                hi = v.len();
                break;
            }
            if !pred(&v[next])? {
                hi = next;
                break;
            }
            lo = next + 1;
            step = step.saturating_mul(2);
        }
    } else {
        hi = hint;
        loop {
            let Some(next) = hi.checked_sub(step) else {
                lo = 0;
                break;
            };
            if pred(&v[next])? {
                lo = next + 1;
                break;
            }
            hi = next;
            step = step.saturating_mul(2);
        }
    }
    while lo < hi {
        let mid = lo + (hi - lo) / 2;
        if pred(&v[mid])? {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    Ok(lo)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: &mut u64) -> u64 {
        *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        *seed >> 33
    }

    fn inputs() -> Vec<Vec<(u64, usize)>> {
        let mut seed = 7;
        let mut all = Vec::new();
        for n in [0, 1, 2, 3, 10, 31, 63, 64, 65, 100, 500, 1000, 5000] {
            for kind in 0..6 {
                let v = (0..n)
                    .map(|i| match kind {
                        0 => noise(&mut seed) % 10,
                        1 => noise(&mut seed),
                        2 => i as u64,
                        3 => (n - i) as u64,
                        4 => (i as u64 % 97) * 3 + (i as u64 / 97),
                        _ => {
                            if i * 10 < n * 9 {
                                i as u64
                            } else {
                                noise(&mut seed) % (n as u64 + 1)
                            }
                        }
                    })
                    .enumerate()
                    .map(|(i, k)| (k, i))
                    .collect();
                all.push(v);
            }
        }
        all
    }

    #[test]
    fn it_sorts_and_is_stable() {
        for v in inputs() {
            let mut mine = v.clone();
            sort(&mut mine, |a, b| Ok::<bool, ()>(a.0 < b.0)).unwrap();
            let mut std = v;
            std.sort_by_key(|x| x.0);
            assert_eq!(mine, std);
        }
    }

    #[test]
    fn a_failing_comparison_at_any_time_leaves_a_permutation() {
        for v in inputs().into_iter().filter(|v| v.len() <= 500) {
            for limit in (0..4000).step_by(37) {
                let mut left = limit;
                let mut mine = v.clone();
                let r = sort(&mut mine, |a, b| {
                    if left == 0 {
                        return Err(());
                    }
                    left -= 1;
                    Ok(a.0 < b.0)
                });
                mine.sort_by_key(|x| x.1);
                assert_eq!(mine, v, "{r:?}");
            }
        }
    }

    #[test]
    fn sorted_input_takes_one_pass() {
        let mut n = 0;
        let mut v: Vec<u32> = (0..1000).collect();
        sort(&mut v, |a, b| {
            n += 1;
            Ok::<bool, ()>(a < b)
        })
        .unwrap();
        assert_eq!(n, 999);
    }
}
