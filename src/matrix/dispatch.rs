//! Kernels are written once and compiled for the instruction sets that matter; the widest one that the machine has is
//! chosen at run time.

macro_rules! dispatched {
    ($(#[$doc:meta])* $name:ident, $body:ident, ($($arg:ident: $type:ty),*) $(-> $result:ty)?) => {
        $(#[$doc])*
        pub fn $name<T: Scalar>($($arg: $type),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,fma")]
                fn wide<T: Scalar>($($arg: $type),*) $(-> $result)? {
                    $body::<T, true>($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn middle<T: Scalar>($($arg: $type),*) $(-> $result)? {
                    $body::<T, true>($($arg),*)
                }
                let fma = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
                let avx512 = is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl");
                // SAFETY: the features that each function is compiled for have just been detected.
                #[allow(unsafe_code)]
                unsafe {
                    if fma && avx512 {
                        return wide($($arg),*);
                    }
                    if fma {
                        return middle($($arg),*);
                    }
                }
            }
            // Without the instruction a fused operation is a slow library call; everywhere else it is native.
            $body::<T, { !cfg!(target_arch = "x86_64") }>($($arg),*)
        }
    };
}

pub(super) use dispatched;

/// Runs a loop compiled for the widest instruction set that the machine has, where it is inlined: one without calls.
#[inline(always)]
pub(crate) fn vectorized(work: impl FnOnce()) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2")]
        fn wide(work: impl FnOnce()) {
            work();
        }
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx2");
        if avx512 {
            // SAFETY: the features that the function is compiled for have just been detected.
            #[allow(unsafe_code)]
            unsafe {
                wide(work);
            }
            return;
        }
    }
    work();
}

/// `out[i] = f(a[i], b[i])`.
pub(crate) fn fill<A: Copy, B: Copy, R>(out: &mut [R], a: &[A], b: &[B], f: impl Fn(A, B) -> R) {
    vectorized(
        #[inline(always)]
        || {
            for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
                *out = f(a, b);
            }
        },
    );
}

/// `f(a[i], b[i])` for every i.
pub(crate) fn mapped<A: Copy, B: Copy, R: Copy + Default>(a: &[A], b: &[B], f: impl Fn(A, B) -> R) -> Vec<R> {
    let mut out = vec![R::default(); a.len().min(b.len())];
    fill(&mut out, a, b, f);
    out
}

/// `x[i] = f(x[i], y[i])`.
pub(crate) fn update<A: Copy, B: Copy>(x: &mut [A], y: &[B], f: impl Fn(A, B) -> A) {
    vectorized(
        #[inline(always)]
        || {
            for (x, &y) in x.iter_mut().zip(y) {
                *x = f(*x, y);
            }
        },
    );
}

/// Whether `f` holds for every entry.
pub(crate) fn all<A: Copy>(x: &[A], f: impl Fn(A) -> bool) -> bool {
    let (mut holds, (chunks, rest)) = (true, x.as_chunks::<32>());
    vectorized(
        #[inline(always)]
        || {
            let mut broken = [0_u64; 32];
            for chunk in chunks {
                for lane in 0..32 {
                    broken[lane] |= if f(chunk[lane]) { 0 } else { 1 };
                }
            }
            holds = broken == [0; 32];
        },
    );
    holds && rest.iter().all(|&x| f(x))
}
