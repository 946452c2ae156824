//! Calls of builtins: their strict arguments are forced and checked, then they run in a frame of the arena, and when
//! they suspend their request is served.

use super::builtins::{Host, INLINE_ARGS};
use super::raw::{from_raw, to_raw, type_bit};
use super::table::{HostContext, expected_types};
use crate::error::{Error, ErrorKind, Result};
use crate::heap::{Marker, Value};
use crate::source::Pos;
use crate::vm::GeneratorFrame;
use crate::vm::{Flow, Frame, Passed, Vm, describe, or_fail};
use piton_plugin_api::abi::{FLAG_HEAP, RawValue, Start, arg, request, tag};
use piton_plugin_api::hint::cold_path;
use std::mem::MaybeUninit;

const NOTHING: RawValue = RawValue::new(tag::NULL, 0);

impl Vm {
    /// The error of a value that is none of the expected types.
    #[cold]
    pub(crate) fn type_mismatch(&mut self, expected: u32, found: Value) -> Error {
        let shown = describe(self, found);
        let expected = expected_types(expected);
        let mut error = Error::new(
            ErrorKind::Type,
            format!("expected {expected} but found {shown}"),
        );
        error.found = found.to_word();
        error
    }

    /// Calls a builtin with all its arguments.
    #[inline]
    pub(crate) fn call_builtin(
        &mut self,
        builtin: u32,
        args: Passed,
        depth: u32,
        pos: Pos,
    ) -> Flow {
        let call = &self.host.calls[builtin as usize];
        let count = args.len();
        debug_assert!(
            count == usize::from(call.arity),
            "called with all its arguments"
        );
        if count <= INLINE_ARGS {
            // The common case needs no frame for them: all strict arguments are there already.
            let mut raw = [const { MaybeUninit::<RawValue>::uninit() }; INLINE_ARGS];
            let mut ready = 1;
            for (index, slot) in raw[..count].iter_mut().enumerate() {
                let value = slot.write(to_raw(args.get(index)));
                ready &= call.ready[index] >> value.tag();
            }
            if ready & 1 != 0 {
                self.host.running_pos = pos;
                // SAFETY: as many have just been written.
                let raw = unsafe { std::slice::from_raw_parts(raw.as_ptr().cast(), count) };
                if call.is_leaf {
                    let start = call.start;
                    let result = self.call_at_once(builtin, start, raw);
                    return self.finish_leaf(builtin, result, raw, depth, pos);
                }
                if let Some(quick) = call.quick {
                    let result = self.call_at_once(builtin, quick, raw);
                    if result.tag() != tag::ABSENT {
                        return self.finish_leaf(builtin, result, raw, depth, pos);
                    }
                }
                return self.start_builtin(builtin, raw, depth, pos);
            }
        }
        let base = self.stack_len();
        self.extend_stack(args);
        self.push_frame(|| Frame::Arguments {
            builtin,
            base: base as u32,
            next: 0,
            depth,
            pos,
        });
        self.continue_arguments()
    }

    /// Runs a function of a builtin that takes no frame: a leaf, or the attempt to do without one.
    #[inline(always)]
    fn call_at_once(&mut self, builtin: u32, start: Start, args: &[RawValue]) -> RawValue {
        let instance = self.host.calls[builtin as usize].instance;
        let begun = self.watch();
        let context = HostContext::enter(self);
        // SAFETY: the descriptor is of a loaded plugin; arguments and context are valid for the call, which gets no frame.
        let raw = unsafe {
            (*context).instance = instance;
            start(std::ptr::null_mut(), context, args.as_ptr(), args.len())
        };
        if let Some(begun) = begun
            && raw.tag() != tag::ABSENT
        {
            self.observe_builtin(builtin, begun, true);
        }
        raw
    }

    /// Calls a builtin for the one that runs, without a suspension; an absent value if it would take one. See
    /// `HostTable::call_at_once`.
    pub(super) fn answer_at_once(&mut self, f: Value, args: &[RawValue]) -> RawValue {
        let absent = RawValue::new(tag::ABSENT, 0);
        let Some(builtin) = f.as_builtin() else {
            return absent;
        };
        let call = &self.host.calls[builtin as usize];
        // Whoever watches is to see each call for itself.
        if !call.is_leaf
            || usize::from(call.arity) != args.len()
            || args.len() > INLINE_ARGS
            || self.host.runs_at_once
            || self.observer.is_some()
        {
            return absent;
        }
        let start = call.start;
        let mut own = [NOTHING; INLINE_ARGS];
        for (index, arg) in args.iter().enumerate() {
            // Without the root that the caller has for it.
            let Some(arg) = from_raw(&mut self.heap, *arg).map(to_raw) else {
                return absent;
            };
            if self.host.calls[builtin as usize].ready[index] >> arg.tag() & 1 == 0 {
                return absent;
            }
            own[index] = arg;
        }
        let caller = self.host.context.left();
        self.host.runs_at_once = true;
        let raw = self.call_at_once(builtin, start, &own[..args.len()]);
        self.host.runs_at_once = false;
        self.host.context.go_back(caller);
        match self.take_result(builtin, raw) {
            // It has to be forced by a request, which calls it again: so errors in it are told as those of a call.
            Ok(value) if value.resolved().is_thunk() => absent,
            Ok(value) => to_raw(value.resolved()),
            Err(mut error) => {
                self.tell_argument(&mut error, builtin, args);
                self.builtin_trace(&mut error, builtin, self.host.running_pos);
                error.place_told |= !error.pos.is_some();
                self.host.error = Some(error);
                RawValue::new(tag::ERROR, 0)
            }
        }
    }

    #[inline(always)]
    fn finish_leaf(
        &mut self,
        builtin: u32,
        result: RawValue,
        args: &[RawValue],
        depth: u32,
        pos: Pos,
    ) -> Flow {
        match self.take_result(builtin, result) {
            Ok(value) if value.is_thunk() => self.force_at(value, depth),
            Ok(value) => Flow::Value(value),
            Err(mut error) => {
                self.tell_argument(&mut error, builtin, args);
                self.builtin_trace(&mut error, builtin, pos);
                Flow::Failed(error)
            }
        }
    }

    /// Forces and checks what is left of the arguments of the frame on top, then starts the builtin.
    pub(crate) fn continue_arguments(&mut self) -> Flow {
        let Some(Frame::Arguments {
            builtin,
            base,
            next,
            depth,
            pos,
        }) = self.top_frame()
        else {
            unreachable!("arguments are on top")
        };
        let (builtin, base, first, depth, pos) =
            (*builtin, *base as usize, *next as usize, *depth, *pos);
        let count = self.host.arity(builtin);
        for index in first..count {
            let mode = self.host.entries[builtin as usize].modes[index];
            if mode == arg::LAZY {
                continue;
            }
            let mut value = self.stack_at(base + index).resolved();
            if value.is_thunk() {
                if let Some(Frame::Arguments { next, .. }) = self.top_frame() {
                    *next = index as u32;
                }
                match self.force(value) {
                    Flow::Value(forced) => value = forced,
                    flow => return flow,
                }
            }
            self.set_stack_at(base + index, value);
            if mode & type_bit(value) == 0 {
                if let Some(Frame::Arguments { next, .. }) = self.top_frame() {
                    *next = index as u32;
                }
                let mut error = self.type_mismatch(mode, value);
                error.place_told = true;
                return Flow::Failed(error);
            }
        }
        self.pop_frame();
        let mut inline = [NOTHING; INLINE_ARGS];
        let many: Vec<RawValue>;
        let raw = if count <= INLINE_ARGS {
            for (index, slot) in inline[..count].iter_mut().enumerate() {
                *slot = to_raw(self.stack_at(base + index));
            }
            &inline[..count]
        } else {
            many = (base..base + count)
                .map(|slot| to_raw(self.stack_at(slot)))
                .collect();
            &many
        };
        self.truncate_stack(base);
        self.start_builtin(builtin, raw, depth, pos)
    }

    /// Starts a builtin with these arguments, which are ready.
    #[inline(always)]
    fn start_builtin(&mut self, builtin: u32, raw: &[RawValue], depth: u32, pos: Pos) -> Flow {
        let call = &self.host.calls[builtin as usize];
        let count = raw.len();
        if call.is_leaf {
            let start = call.start;
            let result = self.call_at_once(builtin, start, raw);
            return self.finish_leaf(builtin, result, raw, depth, pos);
        }
        if depth >= self.limits.call_depth {
            return Flow::Failed(self.too_deep());
        }
        let (start, size) = (call.start, call.frame_size as usize);
        let (instance, sweeps) = (call.instance, call.sweeps);
        let mark = self.host.arena.mark();
        // Arguments first, then the frame: both stay where they are until the frame ends.
        let args_size = size_of_val(raw);
        let args = self.host.arena.allocate(args_size + size);
        if self.host.arena.has_grown() {
            cold_path();
            self.room_for_stacks();
        }
        // SAFETY: the arena has reserved room for both; values are as long as the arena's alignment.
        let (args, state) = unsafe { (args.cast::<RawValue>(), args.add(args_size)) };
        // SAFETY: as above. There are few, mostly one or two: a loop would be unrolled for many.
        unsafe {
            if let [first, rest @ ..] = raw {
                args.write(first.by_words());
                if let [second, rest @ ..] = rest {
                    args.add(1).write(second.by_words());
                    for (index, value) in rest.iter().enumerate() {
                        cold_path();
                        args.add(2 + index).write(value.by_words());
                    }
                }
            }
        }
        let owner = self.host.next_owner;
        self.host.next_owner += 1;
        self.host.roots.table.owner = owner;
        self.host.running_pos = pos;
        let begun = self.watch();
        let context = HostContext::enter(self);
        // SAFETY: the descriptor is of a loaded plugin, whose frame size and alignment the loader has checked.
        let raw = unsafe {
            (*context).instance = instance;
            start(state, context, args, count)
        };
        if let Some(begun) = begun {
            cold_path();
            self.observe_builtin(builtin, begun, true);
        }
        if raw.tag() == tag::PENDING {
            self.push_frame(|| {
                Frame::Generator(GeneratorFrame {
                    state,
                    owner,
                    builtin,
                    mark,
                    depth_pos: (depth + 1, pos),
                })
            });
            return self.serve();
        }
        self.host.arena.release(mark);
        let result = self.finish_builtin(builtin, owner, sweeps, raw, (state, pos));
        match or_fail!(result) {
            value if value.is_thunk() => self.force(value),
            value => Flow::Value(value),
        }
    }

    /// Serves requests of the generator on top, and of those that it calls, until one waits for other frames above it, or the last one
    /// ends.
    ///
    /// A builtin that is called while requests are served, and asks for something in turn, is served by the same loop: builtins that call
    /// builtins, however deep, take no native stack.
    pub(crate) fn serve(&mut self) -> Flow {
        if std::mem::replace(&mut self.host.is_serving, true) {
            return Flow::Asked;
        }
        let flow = self.serve_top();
        self.host.is_serving = false;
        flow
    }

    fn serve_top(&mut self) -> Flow {
        let below = self.frame_count() - 1;
        loop {
            if self.call_code() {
                return Flow::Enter;
            }
            let mut flow = match self.plain_force() {
                Some((value, depth)) => self.force_at(value, depth),
                None => self.serve_rest(),
            };
            loop {
                flow = match flow {
                    Flow::Asked => break,
                    // The generator that was on top first has ended: the value is its own.
                    Flow::Value(value) if self.frame_count() == below => {
                        return Flow::Value(value);
                    }
                    Flow::Value(answer) => match self.top_frame() {
                        Some(Frame::Generator(_)) => self.poll_again(answer),
                        // A thunk or a task that has waited for a builtin which was called here. No code: to enter that ends this loop.
                        _ => self.deliver(answer),
                    },
                    flow => return flow,
                }
            }
        }
    }

    /// Begins to serve a request that is none of the most frequent ones.
    fn serve_rest(&mut self) -> Flow {
        let flow = match self.serve_call() {
            Some(flow) => flow,
            None => self.request(),
        };
        match flow {
            // Where it happened is told by the trace of the builtin.
            Flow::Failed(mut error) => {
                error.place_told |= !error.pos.is_some();
                Flow::Failed(error)
            }
            flow => flow,
        }
    }

    /// Resumes the generator on top with the answer to its request.
    #[inline(always)]
    pub(crate) fn resume_generator(&mut self, answer: Value) -> Flow {
        match self.poll_again(answer) {
            Flow::Asked if self.call_code() => Flow::Enter,
            Flow::Asked => self.serve(),
            flow => flow,
        }
    }

    /// What the generator on top wants forced, if that is all it asks for, and its depth.
    #[inline(always)]
    fn plain_force(&mut self) -> Option<(Value, u32)> {
        let slot = &self.host.context.context.request;
        if slot.number != request::FORCE || slot.argc != 1 {
            return None;
        }
        let raw = slot.args[0];
        let Some(Frame::Generator(frame)) = self.top_frame() else {
            unreachable!("a generator is on top")
        };
        let depth = frame.depth_pos.0;
        from_raw(&mut self.heap, raw).map(|value| (value, depth))
    }

    /// Serves a call with one or two arguments that [`Vm::call_code`] does not: of `lessThan` in a `sort`, of a function that takes more
    /// in a fold. It reads the request as that does: read once for both, folds take 7 % longer.
    #[inline(always)]
    fn serve_call(&mut self) -> Option<Flow> {
        let slot = &self.host.context.context.request;
        if slot.number != request::CALL || slot.argc < 2 || slot.argc > 3 {
            return None;
        }
        let count = slot.argc as usize - 1;
        let [function, first, second, ..] = slot.args;
        let function = from_raw(&mut self.heap, function)?;
        let mut args = [from_raw(&mut self.heap, first)?, Value::NULL];
        if count == 2 {
            args[1] = from_raw(&mut self.heap, second)?;
        }
        let Some(Frame::Generator(frame)) = self.top_frame() else {
            unreachable!("a generator is on top")
        };
        let depth = frame.depth_pos.0;
        // What builtins call is called at no place of its own.
        Some(self.apply_at(function, Passed::of(&args[..count]), depth, Pos::NONE))
    }

    /// Serves the most frequent request, the call of a lambda with as many arguments as it takes, if that is the one of the
    /// generator on top.
    #[inline(always)]
    fn call_code(&mut self) -> bool {
        let Some(Frame::Generator(frame)) = self.top_frame() else {
            unreachable!("a generator is on top")
        };
        let depth = frame.depth_pos.0;
        let slot = &self.host.context.context.request;
        if slot.number != request::CALL || slot.argc < 2 || slot.argc > 3 {
            return false;
        }
        let count = slot.argc as usize - 1;
        let [function, first, second, ..] = slot.args;
        let Some(function) = from_raw(&mut self.heap, function) else {
            return false;
        };
        let Some(first) = from_raw(&mut self.heap, first) else {
            return false;
        };
        let mut args = [first, Value::NULL];
        if count == 2 {
            match from_raw(&mut self.heap, second) {
                Some(second) => args[1] = second,
                None => return false,
            }
        }
        self.call_closure(function, Passed::of(&args[..count]), depth)
    }

    /// Polls the generator on top with an answer. [`Flow::Asked`] if it asks for something else, or what comes instead does.
    ///
    /// It stands within the two that serve requests: with a call to it, folds take a tenth longer.
    #[inline(always)]
    fn poll_again(&mut self, answer: Value) -> Flow {
        let Some(Frame::Generator(frame)) = self.top_frame() else {
            unreachable!("a generator is on top")
        };
        let (state, owner, builtin, mark, pos) = (
            frame.state,
            frame.owner,
            frame.builtin,
            frame.mark,
            frame.depth_pos.1,
        );
        let call = &self.host.calls[builtin as usize];
        let (instance, sweeps) = (call.instance, call.sweeps);
        let Some(resume) = call.resume else {
            self.pop_frame();
            self.host.let_go(owner);
            self.host.arena.release(mark);
            return Flow::Failed(self.contract(builtin, "it suspended but has no 'resume'"));
        };
        self.host.roots.table.owner = owner;
        self.host.running_pos = pos;
        let begun = self.watch();
        let context = HostContext::enter(self);
        // SAFETY: the frame is suspended, and this is the answer to its request.
        let raw = unsafe {
            (*context).instance = instance;
            resume(state, context, to_raw(answer))
        };
        if let Some(begun) = begun {
            cold_path();
            self.observe_builtin(builtin, begun, false);
        }
        if raw.tag() == tag::PENDING {
            return Flow::Asked;
        }
        // The frame has ended: it is not dropped again.
        self.pop_frame();
        self.host.arena.release(mark);
        let result = self.finish_builtin(builtin, owner, sweeps, raw, (state, pos));
        match or_fail!(result) {
            value if value.is_thunk() => self.force(value),
            value => Flow::Value(value),
        }
    }

    #[inline]
    fn finish_builtin(
        &mut self,
        builtin: u32,
        owner: u64,
        sweeps: bool,
        raw: RawValue,
        (state, pos): (*mut u8, Pos),
    ) -> Result<Value> {
        if raw.tag() == tag::PANIC || sweeps {
            cold_path();
            self.host.roots.sweep(owner);
        }
        self.host.let_go(owner);
        self.take_result(builtin, raw).map_err(|mut error| {
            // SAFETY: its frame has just ended: nobody has used the memory since.
            let args = unsafe { self.host.arguments(builtin, state) };
            self.tell_argument(&mut error, builtin, args);
            self.builtin_trace(&mut error, builtin, pos);
            error
        })
    }

    /// What a finished builtin has come to.
    #[inline(always)]
    fn take_result(&mut self, builtin: u32, raw: RawValue) -> Result<Value> {
        match from_raw(&mut self.heap, raw) {
            Some(value) => Ok(value),
            None => Err(self.failed(builtin, raw)),
        }
    }

    #[cold]
    fn failed(&mut self, builtin: u32, raw: RawValue) -> Error {
        let error = self.host.error.take();
        match (raw.tag(), error) {
            (tag::ERROR, Some(error)) => error,
            (tag::PANIC, Some(error)) => {
                let entry = &self.host.entries[builtin as usize];
                let plugin = &self.host.plugins[entry.plugin];
                let text = format!(
                    "the builtin '{}' of plugin '{}' {} {}",
                    entry.name, plugin.name, plugin.version, error.message
                );
                Error::new(ErrorKind::Plugin, text).with_hint(
                    "this is a defect of the plugin, not of the program that was evaluated",
                )
            }
            (tag::ERROR | tag::PANIC, None) => self.contract(builtin, "it failed without an error"),
            (tag::PENDING, _) => self.contract(builtin, "it is declared a leaf but has suspended"),
            (other, _) => self.contract(
                builtin,
                &format!("it returned a value with tag {other}, which does not exist"),
            ),
        }
    }

    #[cold]
    pub(super) fn contract(&self, builtin: u32, what: &str) -> Error {
        let entry = &self.host.entries[builtin as usize];
        let plugin = &self.host.plugins[entry.plugin];
        Error::new(
            ErrorKind::Plugin,
            format!(
                "plugin '{}' {} breaks the ABI in builtin '{}': {what}",
                plugin.name, plugin.version, entry.name
            ),
        )
    }

    /// Tells which argument it is, if the error is that one is of a wrong type.
    #[cold]
    fn tell_argument(&mut self, error: &mut Error, builtin: u32, args: &[RawValue]) {
        let found = std::mem::take(&mut error.found);
        if found == 0 || !error.traces.is_empty() {
            return;
        }
        let is_found = |arg: &RawValue| {
            from_raw(&mut self.heap, *arg).is_some_and(|arg| arg.resolved().to_word() == found)
        };
        if let Some(index) = args.iter().position(is_found) {
            error.trace(Pos::NONE, self.host.argument_step(builtin, index));
        }
    }

    /// The same of a builtin that is suspended.
    pub(crate) fn tell_argument_of(&mut self, error: &mut Error, frame: &GeneratorFrame) {
        // SAFETY: the frame is suspended.
        let args = unsafe { self.host.arguments(frame.builtin, frame.state) };
        self.tell_argument(error, frame.builtin, args);
    }

    /// Ends a suspended frame whose request failed.
    pub(crate) fn drop_generator(&mut self, frame: &GeneratorFrame) {
        let drop = self.host.entries[frame.builtin as usize].descriptor.drop;
        let call = &self.host.calls[frame.builtin as usize];
        let (instance, sweeps) = (call.instance, call.sweeps);
        if let Some(drop) = drop {
            self.host.roots.table.owner = frame.owner;
            let context = HostContext::enter(self);
            // SAFETY: the frame is suspended, and ends here.
            unsafe {
                (*context).instance = instance;
                drop(frame.state, context);
            }
        }
        // A drop that panicked has recorded it, and may have left roots behind; one in C may forget them.
        if self.host.error.take().is_some() || sweeps {
            self.host.roots.sweep(frame.owner);
        }
        self.host.let_go(frame.owner);
        self.host.arena.release(frame.mark);
    }
}

impl Host {
    /// The arguments of a builtin that is suspended in the frame `state`.
    ///
    /// # Safety
    /// It is, or has been until just now.
    unsafe fn arguments<'a>(&self, builtin: u32, state: *const u8) -> &'a [RawValue] {
        let count = self.arity(builtin);
        // SAFETY: `Vm::start_builtin` has written so many before the frame's state, and nobody writes to them until it ends.
        unsafe { std::slice::from_raw_parts(state.cast::<RawValue>().sub(count), count) }
    }

    /// Marks the arguments of a suspended builtin: it may ask for them as long as it runs.
    pub(crate) fn mark_arguments(&self, frame: &GeneratorFrame, marker: &mut Marker) {
        // SAFETY: the frame is suspended.
        let args = unsafe { self.arguments(frame.builtin, frame.state) };
        marker.catch_up();
        for arg in args.iter().filter(|arg| arg.head & FLAG_HEAP != 0) {
            // SAFETY: the payload of such a value is a word of the host.
            marker.value(unsafe { Value::from_word(arg.payload) });
        }
    }
}
