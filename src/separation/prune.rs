//! Fewer hyperplanes for the same points.

/// Of sets of points, some that have every point between them, found greedily: always the one with most points that are not
/// yet had (of equals the first).
pub fn chosen(sets: &[Vec<usize>], points: usize) -> Vec<usize> {
    let mut had = vec![false; points];
    let mut chosen = Vec::new();
    loop {
        let new = |set: &Vec<usize>| set.iter().filter(|&&point| !had[point]).count();
        let best = (0..sets.len()).map(|k| (new(&sets[k]), k)).max_by_key(|&(count, k)| (count, std::cmp::Reverse(k)));
        match best {
            Some((count, k)) if count > 0 => {
                chosen.push(k);
                sets[k].iter().for_each(|&point| had[point] = true);
            }
            _ => break,
        }
    }
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::chosen;

    #[test]
    fn sets_that_others_hold_are_left_out() {
        let sets = [vec![0], vec![1, 2], vec![0, 1, 2, 3], vec![4], vec![3, 4], vec![]];
        assert_eq!(chosen(&sets, 6), [2, 3]);
        assert_eq!(chosen(&[], 3), [0_usize; 0]);
    }
}
