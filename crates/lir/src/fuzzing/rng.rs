//! A small deterministic random number generator (xorshift64*).

/// Equal seeds give equal sequences on every machine and in every version.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A generator with this seed.
    pub fn new(seed: u64) -> Rng {
        // A multiplication spreads small seeds; the state must not be zero.
        let mut rng = Rng(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        rng.next_u64();
        rng
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `n`; 0 for `n` = 0.
    pub fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { (self.next_u64() >> 16) as usize % n }
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// An element of a slice that is not empty.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// An integer: often small or at an edge of some width, else any.
    pub fn int(&mut self) -> i64 {
        match self.below(8) {
            0..4 => self.below(17) as i64 - 8,
            4 => {
                let edge = 1i64 << [7, 8, 15, 16, 31, 32, 63][self.below(7)];
                edge.wrapping_add(self.below(3) as i64 - 1)
            }
            5 => self.below(1 << 20) as i64,
            6 => -(self.below(1 << 20) as i64),
            _ => self.next_u64() as i64,
        }
    }

    /// A float: often small or special.
    pub fn float(&mut self) -> f64 {
        match self.below(8) {
            0..4 => self.below(33) as f64 / 4.0 - 4.0,
            4 => *self.pick(&[0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e300, 9.3e18, -9.3e18, 5e-324]),
            _ => (self.int() as f64) / 3.0,
        }
    }
}
