//! [`Union`]: many sets united, two at a time.

/// So many sets are united one after the other.
const BLOCK: u32 = 16;

/// Unites many sets where each union is made and kept, as those of contexts are: one after the other they would be as many sets, each as
/// large as all before it. Here what has come of a block is united with what has come of as many, as in counting in binary.
#[derive(Clone, Debug)]
pub struct Union<T> {
    /// What has come of the last ones, which are fewer than a block.
    sum: Option<T>,
    added: u32,
    /// What has come of 1, 2, 4 ... blocks.
    blocks: Vec<Option<T>>,
}

impl<T> Default for Union<T> {
    fn default() -> Self {
        Union {
            sum: None,
            added: 0,
            blocks: Vec::new(),
        }
    }
}

impl<T: Copy + PartialEq> Union<T> {
    /// Adds a set; `unite` answers the union of two.
    #[inline]
    pub fn add(&mut self, set: T, mut unite: impl FnMut(T, T) -> T) {
        let sum = match self.sum {
            None => set,
            Some(sum) if sum == set => return,
            Some(sum) => unite(sum, set),
        };
        self.added += 1;
        if self.added < BLOCK {
            self.sum = Some(sum);
        } else {
            self.end_block(sum, unite);
        }
    }

    #[cold]
    fn end_block(&mut self, mut sum: T, mut unite: impl FnMut(T, T) -> T) {
        self.sum = None;
        self.added = 0;
        for place in &mut self.blocks {
            match place.take() {
                Some(other) => sum = unite(other, sum),
                None => {
                    *place = Some(sum);
                    return;
                }
            }
        }
        self.blocks.push(Some(sum));
    }

    /// The union of all; nothing of none.
    #[inline]
    pub fn finish(self, unite: impl FnMut(T, T) -> T) -> Option<T> {
        if self.blocks.is_empty() {
            return self.sum;
        }
        let blocks = self.blocks.into_iter().flatten();
        self.sum.into_iter().chain(blocks).reduce(unite)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_in_it_and_none_is_united_often() {
        for count in 0..=128u32 {
            let mut union = Union::default();
            // The numbers of all sets that were made.
            let made = std::cell::RefCell::new(vec![]);
            let unite = |a: u128, b: u128| {
                made.borrow_mut().push((a | b).count_ones());
                a | b
            };
            for index in 0..count {
                union.add(1 << index, unite);
                union.add(1 << index, unite);
            }
            let all = union.finish(unite);
            let expected = (count > 0).then(|| u128::MAX >> (128 - count));
            assert_eq!(all, expected, "{count}");
            let sum: u32 = made.borrow().iter().sum();
            assert!(
                sum <= count * (BLOCK + count.max(1).ilog2()),
                "{count}: {sum}"
            );
        }
    }
}
