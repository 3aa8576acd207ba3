//! The numbers of `ChaCha8Rng`, sixteen blocks of them at a time: by instructions of 512 bits where the machine has them,
//! else by `rand_chacha` itself.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Numbers of 64 bits in sixteen blocks of the cipher.
pub(super) const NUMBERS: usize = 128;
/// Words of 32 bits in a block.
const BLOCK_WORDS: u128 = 16;

/// One stream of the generator under one seed.
pub(super) struct ChaCha {
    generator: ChaCha8Rng,
    wide: bool,
}

impl ChaCha {
    /// As `ChaCha8Rng::seed_from_u64` and `set_stream` choose it.
    pub fn new(seed: u64, stream: u64) -> ChaCha {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(stream);
        #[cfg(target_arch = "x86_64")]
        let wide = is_x86_feature_detected!("avx512f");
        #[cfg(not(target_arch = "x86_64"))]
        let wide = false;
        ChaCha { generator, wide }
    }

    /// The numbers of sixteen blocks from block `first` on.
    pub fn numbers(&mut self, first: u64, out: &mut [u64; NUMBERS]) {
        #[cfg(target_arch = "x86_64")]
        if self.wide {
            // SAFETY: the instructions have been detected.
            #[allow(unsafe_code)]
            unsafe {
                wide::numbers(&self.generator.get_seed(), self.generator.get_stream(), first, out);
            }
            return;
        }
        self.generator.set_word_pos(u128::from(first) * BLOCK_WORDS);
        out.fill_with(|| self.generator.next_u64());
    }
}

#[cfg(target_arch = "x86_64")]
mod wide {
    use super::NUMBERS;
    use std::arch::x86_64::*;

    /// "expand 32-byte k".
    const CONSTANT: [u8; 16] = *b"expand 32-byte k";

    #[inline(always)]
    fn word(bytes: &[u8], i: usize) -> i32 {
        i32::from_le_bytes([bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]])
    }

    /// The quarter rounds of four blocks in each of four registers per row of the state, side by side so that one waits
    /// for no other.
    macro_rules! quarters {
        ($($a:ident $b:ident $c:ident $d:ident),*) => {
            $($a = _mm512_add_epi32($a, $b);)*
            $($d = _mm512_rol_epi32::<16>(_mm512_xor_si512($d, $a));)*
            $($c = _mm512_add_epi32($c, $d);)*
            $($b = _mm512_rol_epi32::<12>(_mm512_xor_si512($b, $c));)*
            $($a = _mm512_add_epi32($a, $b);)*
            $($d = _mm512_rol_epi32::<8>(_mm512_xor_si512($d, $a));)*
            $($c = _mm512_add_epi32($c, $d);)*
            $($b = _mm512_rol_epi32::<7>(_mm512_xor_si512($b, $c));)*
        };
    }

    /// All four rounds of pairs, and the blocks in order.
    macro_rules! rounds {
        ($constant:ident $low:ident $high:ident $out:ident, $($a:ident $b:ident $c:ident $d:ident $start:ident $i:tt),*) => {
            $(let (mut $a, mut $b, mut $c, mut $d) = ($constant, $low, $high, $start[$i]);)*
            for _ in 0..4 {
                quarters!($($a $b $c $d),*);
                // The diagonals of a state become its columns, and columns again.
                $($b = _mm512_shuffle_epi32::<0b00_11_10_01>($b);
                $c = _mm512_shuffle_epi32::<0b01_00_11_10>($c);
                $d = _mm512_shuffle_epi32::<0b10_01_00_11>($d);)*
                quarters!($($a $b $c $d),*);
                $($b = _mm512_shuffle_epi32::<0b10_01_00_11>($b);
                $c = _mm512_shuffle_epi32::<0b01_00_11_10>($c);
                $d = _mm512_shuffle_epi32::<0b00_11_10_01>($d);)*
            }
            $({
                let (a, b) = (_mm512_add_epi32($a, $constant), _mm512_add_epi32($b, $low));
                let (c, d) = (_mm512_add_epi32($c, $high), _mm512_add_epi32($d, $start[$i]));
                // Rows of four blocks become blocks of four rows.
                let (p, q) = (_mm512_shuffle_i32x4::<0x44>(a, b), _mm512_shuffle_i32x4::<0xee>(a, b));
                let (r, s) = (_mm512_shuffle_i32x4::<0x44>(c, d), _mm512_shuffle_i32x4::<0xee>(c, d));
                let blocks = [
                    _mm512_shuffle_i32x4::<0x88>(p, r),
                    _mm512_shuffle_i32x4::<0xdd>(p, r),
                    _mm512_shuffle_i32x4::<0x88>(q, s),
                    _mm512_shuffle_i32x4::<0xdd>(q, s),
                ];
                // SAFETY: both types are 256 bytes without padding, and every pattern of bits is a number.
                #[allow(unsafe_code)]
                let numbers: [u64; 32] = unsafe { std::mem::transmute(blocks) };
                $out[32 * $i..32 * ($i + 1)].copy_from_slice(&numbers);
            })*
        };
    }

    #[target_feature(enable = "avx512f")]
    pub fn numbers(key: &[u8; 32], stream: u64, first: u64, out: &mut [u64; NUMBERS]) {
        let row = |bytes: &[u8], i: usize| {
            _mm_setr_epi32(word(bytes, i), word(bytes, i + 1), word(bytes, i + 2), word(bytes, i + 3))
        };
        let constant = _mm512_broadcast_i32x4(row(&CONSTANT, 0));
        let (low, high) = (_mm512_broadcast_i32x4(row(key, 0)), _mm512_broadcast_i32x4(row(key, 4)));
        let (number, stream) = (|i: u64| first.wrapping_add(i) as i64, stream as i64);
        let counted = |i: u64| {
            _mm512_setr_epi64(number(i), stream, number(i + 1), stream, number(i + 2), stream, number(i + 3), stream)
        };
        let start = [counted(0), counted(4), counted(8), counted(12)];
        rounds!(constant low high out, a0 b0 c0 d0 start 0, a1 b1 c1 d1 start 1, a2 b2 c2 d2 start 2, a3 b3 c3 d3 start 3);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_generator() {
        for (seed, stream, first) in
            [(0, 0, 0), (7, 5, 1 << 32), (u64::MAX, u64::MAX - 1, (1 << 32) - 3), (3, 1 << 40, u64::MAX - 20)]
        {
            let mut expected = ChaCha8Rng::seed_from_u64(seed);
            expected.set_stream(stream);
            expected.set_word_pos(u128::from(first) * BLOCK_WORDS);
            let mut chacha = ChaCha::new(seed, stream);
            let mut numbers = [0; NUMBERS];
            chacha.numbers(first, &mut numbers);
            assert!(
                numbers.iter().all(|&number| number == expected.next_u64()),
                "seed {seed} stream {stream} block {first}"
            );
            chacha.wide = false;
            let mut again = [0; NUMBERS];
            chacha.numbers(first, &mut again);
            assert_eq!(again, numbers);
        }
    }
}
