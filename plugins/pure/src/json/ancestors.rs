//! Notices data that contains itself, at the price of one comparison for each container.

use piton_plugin_api::{Cx, ErrorKind, Result, Value};

/// The containers around the place where a walk is. Of them only one is kept, the mark; it moves down to where the walk is after
/// 1, 2, 4, ... more containers (Brent's way to find cycles). On a path that goes round for ever it is met again one day.
pub struct Ancestors<'f> {
    depth: usize,
    mark: Option<(Value<'f>, usize)>,
    until_next_mark: usize,
    gap: usize,
}

impl<'f> Ancestors<'f> {
    /// A walk that has not begun.
    pub fn new() -> Self {
        Ancestors {
            depth: 0,
            mark: None,
            until_next_mark: 1,
            gap: 1,
        }
    }

    /// The walk enters `container`.
    pub fn enter(&mut self, cx: Cx<'f>, container: &Value<'f>) -> Result<()> {
        self.depth += 1;
        self.visit(cx, container, self.depth)
    }

    /// The walk looks at what stands for `container`, which it does not enter.
    pub fn replace(&mut self, cx: Cx<'f>, container: &Value<'f>) -> Result<()> {
        self.visit(cx, container, self.depth + 1)
    }

    fn visit(&mut self, cx: Cx<'f>, container: &Value<'f>, depth: usize) -> Result<()> {
        if let Some((mark, _)) = &self.mark
            && cx.same(mark, container)
        {
            return Err(cx.error(ErrorKind::Limit, "stack overflow; max-call-depth exceeded"));
        }
        self.until_next_mark -= 1;
        if self.until_next_mark == 0 {
            self.mark = Some((container.clone(), depth));
            self.gap *= 2;
            self.until_next_mark = self.gap;
        }
        Ok(())
    }

    /// The walk leaves the container that it is in.
    pub fn leave(&mut self) {
        self.depth -= 1;
        self.settle();
    }

    /// The walk is done with a value: what stood in its place is no ancestor of the next one.
    pub fn settle(&mut self) {
        if self
            .mark
            .as_ref()
            .is_some_and(|(_, depth)| *depth > self.depth)
        {
            self.mark = None;
            self.until_next_mark = 1;
            self.gap = 1;
        }
    }
}
