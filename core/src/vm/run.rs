//! The loop over code: runs the code frame on top, and those that it calls and returns to.

use super::call::Passed;
use super::drive::{Flow, or_fail};
use super::frame::{Frame, NOWHERE};
use super::layout::{
    CALL_WORDS, FEW, FEW_WORDS, MANY_CAPTURES, PER_WORD, capture_words, many_words,
};
use super::link::Linked;
use super::machine::Vm;
use crate::bytecode::{Instruction, Op, OperandUse};
use crate::error::Error;
use crate::heap::{Form, Keys, Kind, Thunk, ThunkState, Value};
use crate::source::Pos;
use piton_plugin_api::abi::arg;
use piton_plugin_api::hint::cold_path;

impl Vm {
    /// Runs the code frame on top, and the code frames that it calls and returns to, until another kind of frame is on top
    /// or something is awaited that is no code.
    ///
    /// What happens often stands here; what is long or rare stands in functions of its own, so that the loop keeps its state in
    /// machine registers: the next instruction, the frame and its registers.
    pub(super) fn run_code(&mut self) -> Flow {
        if self.observer.is_some() {
            self.run_loop::<true>()
        } else {
            self.run_loop::<false>()
        }
    }

    /// The loop, or the same loop under the eyes of an [`Observer`](super::observer::Observer).
    #[allow(clippy::too_many_lines)] // one loop, one match
    fn run_loop<const OBSERVED: bool>(&mut self) -> Flow {
        'enter: loop {
            if self.heap.wants_collection() {
                cold_path();
                or_fail!(self.safepoint());
            }
            if OBSERVED {
                self.observe_frame();
            }
            let mut frame = self.code_frame();
            // SAFETY: of the whole loop: `frame` is the code frame on top and `registers` its part of the stack. Both move
            // when frames are pushed: whatever may do so ends with `continue 'enter`, `relocate!` or leaves. Linked code
            // lives as long as the VM, its jumps stay within it and it ends with an instruction that leaves; the compiler
            // names registers, constants, sites and children that exist.
            let (mut ip, mut registers) = unsafe {
                let base = (*frame).base as usize;
                ((*frame).ip, self.stack.as_mut_ptr().add(base))
            };

            // What runs. It is read where it is needed, which leaves the loop one machine register more; before anything that may
            // push frames.
            macro_rules! code {
                () => {
                    // SAFETY: see above.
                    unsafe { (*frame).code() }
                };
            }

            macro_rules! register {
                ($index:expr) => {{
                    debug_assert!(
                        ($index as usize) < usize::from(code!().registers()),
                        "a register of this frame"
                    );
                    // SAFETY: see the head of the loop.
                    unsafe { &mut *registers.add($index as usize) }
                }};
            }
            // The constant of the instruction.
            macro_rules! constant {
                () => {{
                    // SAFETY: the value stands behind the instruction; constants are roots.
                    unsafe { *ip.add(1).cast::<Value>() }
                }};
            }
            macro_rules! site {
                ($index:expr) => {{
                    debug_assert!(
                        ($index as usize) < code!().body().sites.len(),
                        "a select site of this code"
                    );
                    let sites = code!().sites();
                    // SAFETY: see the head of the loop.
                    unsafe { &*sites.add($index as usize) }
                }};
            }
            // The address of the instruction's child, and how many captures that has.
            macro_rules! child {
                () => {
                    // SAFETY: `ip` is at an instruction with a child.
                    unsafe { (Self::child(ip), Self::captures(ip)) }
                };
            }
            macro_rules! take_captures {
                ($object:expr) => {
                    // SAFETY: see the head of the loop; `ip` is at an instruction with captures.
                    unsafe {
                        Self::take_captures::<true>(ip, (*frame).captured, registers, $object)
                    }
                };
            }
            // A new thunk or closure.
            macro_rules! capturing {
                ($kind:expr) => {{
                    // SAFETY: see the head of the loop; children are `Linked` with so many captures, and live as long as the VM.
                    unsafe {
                        let (header, captured) = (Self::header(ip), (*frame).captured);
                        let (words, groups) = (usize::from((*ip).b), usize::from((*ip).c));
                        if (*ip).x != MANY_CAPTURES
                            && let Some(object) =
                                self.heap.with_room(header, words, groups * PER_WORD)
                        {
                            Self::take_groups(ip, groups, captured, registers, object);
                            object
                        } else {
                            self.capture_slowly($kind, ip, captured, registers)
                        }
                    }
                }};
            }
            // The same of few captures.
            macro_rules! capturing_few {
                ($kind:expr) => {{
                    // SAFETY: as above.
                    unsafe {
                        let (header, captured) = (Self::header(ip), (*frame).captured);
                        let words = usize::from((*ip).b);
                        if let Some(object) = self.heap.with_room(header, words, FEW) {
                            Self::take_few(ip, captured, registers, object);
                            object
                        } else {
                            self.capture_slowly($kind, ip, captured, registers)
                        }
                    }
                }};
            }
            macro_rules! wait {
                ($ip:expr, $dst:expr) => {
                    // SAFETY: see the head of the loop.
                    unsafe {
                        (*frame).ip = $ip;
                        (*frame).dst = $dst;
                    }
                };
            }
            macro_rules! relocate {
                () => {
                    frame = self.code_frame();
                    // SAFETY: as above.
                    registers = unsafe { self.stack.as_mut_ptr().add((*frame).base as usize) };
                };
            }
            macro_rules! skip {
                () => {{
                    // SAFETY: code ends with an instruction that leaves, so there is a next one.
                    ip = unsafe { ip.add(1) };
                }};
                ($instruction:expr) => {{
                    // SAFETY: jumps stay within the code.
                    ip = unsafe { ip.offset($instruction.offset()) };
                }};
            }

            // Goes past words that belong to the instruction.
            macro_rules! skip_words {
                ($count:expr) => {{
                    // SAFETY: they stand within the code, before the next instruction.
                    ip = unsafe { ip.add($count) };
                }};
            }

            'resume: loop {
                // Runs the frame that has just been put on top, at `frame`, with `registers`.
                macro_rules! enter {
                    ($callee:expr) => {{
                        if self.heap.wants_collection() {
                            cold_path();
                            continue 'enter;
                        }
                        if OBSERVED {
                            self.observe_frame();
                        }
                        ip = $callee.start();
                        continue 'resume;
                    }};
                }
                let (awaited, thunk): (u16, Thunk) = 'force: {
                    let error: Error = 'fail: {
                        macro_rules! attempt {
                            ($result:expr) => {
                                match $result {
                                    Ok(value) => value,
                                    Err(error) => break 'fail error,
                                }
                            };
                        }
                        // The value of a register, in weak head normal form; if it has to be evaluated first, the
                        // instruction runs again then.
                        macro_rules! forced {
                            ($index:expr) => {{
                                let value = *register!($index);
                                match value.as_thunk_rarely() {
                                    Some(thunk) => match thunk.value() {
                                        Some(value) => {
                                            *register!($index) = value;
                                            value
                                        }
                                        None => break 'force ($index, thunk),
                                    },
                                    None => value,
                                }
                            }};
                        }
                        // What an operation that may have pushed or popped frames came to; it stands behind a `wait!`.
                        macro_rules! finish {
                            ($dst:expr, $flow:expr) => {{
                                let code = code!();
                                match $flow {
                                    Flow::Value(value) => {
                                        relocate!();
                                        *register!($dst) = value;
                                    }
                                    Flow::Enter => continue 'enter,
                                    flow => return self.leave_with(flow, code, ip),
                                }
                            }};
                        }
                        // Behind an operator, since one of strings, lists or sets may have made something large: many of these may
                        // follow each other, with no call between them.
                        macro_rules! collect_behind {
                            () => {{
                                if self.heap.wants_collection() {
                                    cold_path();
                                    wait!(ip.add(1), 0);
                                    continue 'enter;
                                }
                            }};
                        }
                        // `finish!` for all instructions but calls: the next one goes on with it.
                        macro_rules! put {
                            ($dst:expr, $flow:expr) => {{
                                wait!(ip.add(1), $dst);
                                finish!($dst, $flow);
                                collect_behind!();
                            }};
                        }
                        // Forces the strict arguments of a call in place, which spares the builtin a frame to wait in. One of a
                        // wrong type ends that: the call tells, before anything behind it is evaluated.
                        macro_rules! force_arguments {
                            ($instruction:expr, $builtin:expr) => {{
                                let count = usize::from($instruction.c);
                                for (index, mode) in
                                    self.host.modes($builtin, count).iter().enumerate()
                                {
                                    if u32::from(*mode) != arg::LAZY {
                                        let value = forced!($instruction.b + 1 + index as u16);
                                        if index + 1 < count && !crate::host::accepts(*mode, value)
                                        {
                                            cold_path();
                                            break;
                                        }
                                    }
                                }
                            }};
                        }
                        // Stores a bool; a jump on it that follows is taken at once.
                        macro_rules! test {
                            ($dst:expr, $test:expr) => {{
                                let test: bool = $test;
                                *register!($dst) = Value::bool(test);
                                // SAFETY: code ends with an instruction that leaves, so there is a next one.
                                let next = unsafe { *ip.add(1) };
                                if next.a == $dst && matches!(next.op, Op::JumpIfFalse | Op::JumpIfTrue) {
                                    skip!();
                                    if test == (next.op == Op::JumpIfTrue) {
                                        skip!(next);
                                    }
                                }
                            }};
                        }
                        // The position of a call stands with it: that of others takes a look at what is not at hand.
                        macro_rules! call_position {
                            () => {{
                                // SAFETY: `ip` is at a call; see `layout`.
                                Pos(unsafe { *ip.add(1).cast::<u64>() } as u32)
                            }};
                        }
                        // The number of the instruction in its code.
                        macro_rules! pc {
                            () => {{
                                let start = code!().start();
                                // SAFETY: `ip` is at an instruction of it.
                                unsafe { ip.offset_from(start) as usize }
                            }};
                        }
                        macro_rules! position {
                            () => {
                                code!().position(pc!())
                            };
                        }

                        // What two instructions have in common, each with a copy of its own: to ask which it is would take longer.
                        // A jump where the register is this.
                        macro_rules! jump_if {
                            ($instruction:expr, $wanted:expr) => {{
                                let value = forced!($instruction.a);
                                let Some(test) = value.as_bool() else {
                                    let pos = position!();
                                    break 'fail self.not_a_bool(
                                        value,
                                        OperandUse::of($instruction.x),
                                        pos,
                                    );
                                };
                                if test == $wanted {
                                    skip!($instruction);
                                }
                            }};
                        }
                        // Whether two values are equal, or whether they are not.
                        macro_rules! equal {
                            ($instruction:expr, $wanted:expr) => {{
                                let (left, right) =
                                    (forced!($instruction.b), forced!($instruction.c));
                                let equal = super::equality::shallow(left, right)
                                    .or_else(|| self.equal_at_once(left, right, false));
                                match equal {
                                    Some(equal) => test!($instruction.a, equal == $wanted),
                                    None => {
                                        put!(
                                            $instruction.a,
                                            self.push_task(|| super::equality::Equal::new(
                                                left, right, $wanted
                                            ))
                                        );
                                    }
                                }
                            }};
                        }
                        // Whether one value is less than another, or whether it is not.
                        macro_rules! less {
                            ($instruction:expr, $wanted:expr) => {{
                                let (left, right) =
                                    (*register!($instruction.b), *register!($instruction.c));
                                if let (Some(x), Some(y)) =
                                    (left.as_inline_int(), right.as_inline_int())
                                {
                                    test!($instruction.a, (x < y) == $wanted);
                                } else {
                                    let (left, right) =
                                        (forced!($instruction.b), forced!($instruction.c));
                                    match attempt!(self.less_operands(left, right)) {
                                        Some(less) => test!($instruction.a, less == $wanted),
                                        None => {
                                            put!(
                                                $instruction.a,
                                                self.push_task(|| super::order::Less::new(
                                                    left, right, $wanted
                                                ))
                                            );
                                        }
                                    }
                                }
                            }};
                        }
                        // The same of a value and a number.
                        macro_rules! less_int {
                            ($instruction:expr, $wanted:expr) => {{
                                let number = i64::from($instruction.c as i16);
                                let swapped = $instruction.x == 1;
                                let less = match register!($instruction.b).as_inline_int() {
                                    Some(value) => {
                                        if swapped {
                                            number < value
                                        } else {
                                            value < number
                                        }
                                    }
                                    None => {
                                        let value = forced!($instruction.b);
                                        let number = self.heap.int(number);
                                        let (left, right) = if swapped {
                                            (number, value)
                                        } else {
                                            (value, number)
                                        };
                                        // Only lists are not decided at once, and a number is none.
                                        attempt!(self.less_operands(left, right))
                                            .unwrap_or_default()
                                    }
                                };
                                test!($instruction.a, less == $wanted);
                            }};
                        }

                        // The symbol that a name is.
                        macro_rules! symbol_of {
                            ($name:expr) => {
                                match self.attribute_name($name) {
                                    Ok(symbol) => symbol,
                                    Err(error) => {
                                        break 'fail self.not_a_name(error, $name, code!(), pc!());
                                    }
                                }
                            };
                        }

                        // The set that an operand of `//` has to be.
                        macro_rules! update_operand {
                            ($index:expr, $side:ident) => {{
                                let value = forced!($index);
                                let Some(attrs) = value.as_attrs() else {
                                    let pos = code!().operand_position(pc!(), OperandUse::$side);
                                    break 'fail self.not_a_set_in(value, OperandUse::$side, pos);
                                };
                                attrs
                            }};
                        }

                        // Whatever leaves the instruction by its end goes on with the next one.
                        loop {
                            // SAFETY: see the head of the loop. The operands are read where they are used.
                            let instruction: &'static Instruction = unsafe { &*ip };
                            if OBSERVED {
                                self.observe_instruction(code!(), instruction, registers);
                            }
                            match instruction.op {
                                Op::Const => {
                                    *register!(instruction.a) = constant!();
                                    skip!();
                                }
                                Op::Capture => {
                                    // SAFETY: see the head of the loop.
                                    let captured = unsafe { (*frame).captured };
                                    *register!(instruction.a) =
                                        captured.capture(usize::from(instruction.b));
                                }
                                Op::Move => {
                                    *register!(instruction.a) = register!(instruction.b).resolved()
                                }
                                Op::Force => {
                                    forced!(instruction.a);
                                }
                                Op::Thunk => {
                                    *register!(instruction.a) =
                                        capturing!(Kind::Thunk).thunk_value();
                                    skip_words!(1 + usize::from(instruction.c));
                                }
                                Op::Closure => {
                                    *register!(instruction.a) =
                                        capturing!(Kind::Closure).closure_value();
                                    skip_words!(1 + usize::from(instruction.c));
                                }
                                Op::ThunkOfFew => {
                                    *register!(instruction.a) =
                                        capturing_few!(Kind::Thunk).thunk_value();
                                    skip_words!(FEW_WORDS - 1);
                                }
                                Op::ClosureOfFew => {
                                    *register!(instruction.a) =
                                        capturing_few!(Kind::Closure).closure_value();
                                    skip_words!(FEW_WORDS - 1);
                                }
                                Op::NewThunk => {
                                    let (child, captures) = child!();
                                    // SAFETY: as of `Thunk`.
                                    let object = unsafe {
                                        self.heap.capturing(Kind::Thunk, child, captures)
                                    };
                                    *register!(instruction.a) = object.thunk_value();
                                    skip_words!(1 + many_words(instruction.x));
                                }
                                Op::NewClosure => {
                                    let (child, captures) = child!();
                                    // SAFETY: as of `Closure`.
                                    let object = unsafe {
                                        self.heap.capturing(Kind::Closure, child, captures)
                                    };
                                    *register!(instruction.a) = object.closure_value();
                                    skip_words!(1 + many_words(instruction.x));
                                }
                                Op::Fill => {
                                    let value = *register!(instruction.a);
                                    let object = value
                                        .as_closure()
                                        .or_else(|| value.as_thunk().map(|thunk| thunk.captured()));
                                    if let Some(object) = object {
                                        // A thunk that stands for a set with `__overrides` may have been forced while they were
                                        // found out: what is filled in now takes the place of its value. It has one capture: behind
                                        // its value nothing is its own any more.
                                        take_captures!(object);
                                        self.heap.filled(object);
                                    }
                                    skip_words!(1 + capture_words(instruction.x));
                                }
                                Op::FillIfNew => {
                                    if let Some(thunk) = register!(instruction.a).as_thunk() {
                                        take_captures!(thunk.captured());
                                        self.heap.filled(thunk.captured());
                                    }
                                    skip_words!(1 + capture_words(instruction.x));
                                }
                                Op::List => {
                                    // SAFETY: `c` registers from `b` on belong to the frame.
                                    let items = unsafe {
                                        std::slice::from_raw_parts(
                                            registers.add(usize::from(instruction.b)),
                                            usize::from(instruction.c),
                                        )
                                    };
                                    *register!(instruction.a) = self.heap.list_of(items).value();
                                }
                                Op::NewList => {
                                    *register!(instruction.a) =
                                        self.heap.list(instruction.wide() as usize).value()
                                }
                                Op::SetItem => {
                                    if let Some(list) = register!(instruction.a).as_list() {
                                        self.heap.set_item(
                                            list,
                                            instruction.wide() as usize,
                                            *register!(instruction.a + 1),
                                        );
                                    }
                                }
                                Op::Attrs => {
                                    // SAFETY: the shape stands behind the instruction; as many registers as it has keys
                                    // belong to the frame.
                                    let (keys, values) = unsafe {
                                        (
                                            *ip.add(1).cast::<Keys>(),
                                            std::slice::from_raw_parts(
                                                registers.add(usize::from(instruction.b)),
                                                usize::from(instruction.c),
                                            ),
                                        )
                                    };
                                    *register!(instruction.a) = if values.is_empty() {
                                        self.heap.attrs(keys).value()
                                    } else if instruction.x == 0 {
                                        self.heap.attrs_of(keys, values).value()
                                    } else {
                                        let attrs = self.heap.attrs_unfilled(keys);
                                        // SAFETY: the word behind that is the address of the shape's order, which has as many
                                        // entries as the shape, each the number of one.
                                        let order = unsafe {
                                            let order = *ip.add(2).cast::<*const u32>();
                                            std::slice::from_raw_parts(order, values.len())
                                        };
                                        for (slot, from) in attrs.values_mut().iter_mut().zip(order)
                                        {
                                            *slot = values[*from as usize];
                                        }
                                        skip!();
                                        attrs.value()
                                    };
                                    skip!();
                                }
                                Op::NewAttrs => {
                                    *register!(instruction.a) = self
                                        .heap
                                        .attrs(code!().body().shapes[instruction.wide() as usize])
                                        .value()
                                }
                                Op::SetAttr => {
                                    if let Some(attrs) = register!(instruction.a).as_attrs()
                                        && let Form::Flat(attrs) = attrs.form()
                                    {
                                        self.heap.set_attr(
                                            attrs,
                                            instruction.wide() as usize,
                                            *register!(instruction.a + 1),
                                        );
                                    }
                                }
                                Op::DynamicAttr => {
                                    let name = forced!(instruction.b);
                                    let (set, value) =
                                        (*register!(instruction.a), *register!(instruction.c));
                                    let pos = position!();
                                    *register!(instruction.a) =
                                        attempt!(self.add_dynamic(set, name, value, pos));
                                }
                                Op::Select => {
                                    let set = forced!(instruction.b);
                                    match set
                                        .as_attrs()
                                        .and_then(|attrs| site!(instruction.c).select(attrs))
                                    {
                                        Some(value) => *register!(instruction.a) = value,
                                        None => {
                                            break 'fail self
                                                .missing_attribute(set, site!(instruction.c).name);
                                        }
                                    }
                                }
                                Op::SelectOr => {
                                    let set = forced!(instruction.b);
                                    if let Some(value) = set
                                        .as_attrs()
                                        .and_then(|attrs| site!(instruction.c).select(attrs))
                                    {
                                        *register!(instruction.a) = value;
                                        skip_words!(usize::from(instruction.x));
                                    }
                                }
                                Op::WithLookup => {
                                    let set = forced!(instruction.b);
                                    let Some(attrs) = set.as_attrs() else {
                                        let pos = position!();
                                        break 'fail self.not_a_set_in(set, OperandUse::With, pos);
                                    };
                                    match site!(instruction.c).select(attrs) {
                                        Some(value) => *register!(instruction.a) = value,
                                        None => skip_words!(usize::from(instruction.x)),
                                    }
                                }
                                Op::SelectAtHand => {
                                    if let Some(attrs) =
                                        register!(instruction.b).resolved().as_attrs()
                                        && let Some(value) = site!(instruction.c).select(attrs)
                                    {
                                        *register!(instruction.a) = value;
                                        skip_words!(usize::from(instruction.x));
                                    }
                                }
                                Op::AddAtHand => {
                                    let (left, right) = (
                                        register!(instruction.b).resolved(),
                                        register!(instruction.c).resolved(),
                                    );
                                    if let Some(sum) = left.add_inline(right) {
                                        *register!(instruction.a) = sum;
                                        skip_words!(usize::from(instruction.x));
                                    }
                                }
                                Op::SubAtHand => {
                                    let (left, right) = (
                                        register!(instruction.b).resolved(),
                                        register!(instruction.c).resolved(),
                                    );
                                    if let Some(difference) = left.sub_inline(right) {
                                        *register!(instruction.a) = difference;
                                        skip_words!(usize::from(instruction.x));
                                    }
                                }
                                Op::AddIntAtHand => {
                                    if let Some(sum) = register!(instruction.b)
                                        .resolved()
                                        .add_small(i64::from(instruction.c as i16))
                                    {
                                        *register!(instruction.a) = sum;
                                        skip_words!(usize::from(instruction.x));
                                    }
                                }
                                Op::HasAttr => {
                                    let set = forced!(instruction.b);
                                    test!(
                                        instruction.a,
                                        set.as_attrs().is_some_and(|attrs| site!(instruction.c)
                                            .select(attrs)
                                            .is_some())
                                    );
                                }
                                Op::SelectDynamic => {
                                    let (set, name) =
                                        (forced!(instruction.b), forced!(instruction.c));
                                    let symbol = symbol_of!(name);
                                    match set.as_attrs().and_then(|attrs| attrs.get(symbol)) {
                                        Some(value) => *register!(instruction.a) = value,
                                        None => break 'fail self.missing_attribute(set, symbol),
                                    }
                                }
                                Op::SelectDynamicOr => {
                                    let (set, name) =
                                        (forced!(instruction.b), forced!(instruction.c));
                                    let symbol = symbol_of!(name);
                                    if let Some(value) =
                                        set.as_attrs().and_then(|attrs| attrs.get(symbol))
                                    {
                                        *register!(instruction.a) = value;
                                        skip_words!(usize::from(instruction.x));
                                    }
                                }
                                Op::HasAttrDynamic => {
                                    let (set, name) =
                                        (forced!(instruction.b), forced!(instruction.c));
                                    let symbol = symbol_of!(name);
                                    test!(
                                        instruction.a,
                                        set.as_attrs()
                                            .is_some_and(|attrs| attrs.get(symbol).is_some())
                                    );
                                }
                                Op::Undefined => {
                                    break 'fail self.undefined(site!(instruction.c).name);
                                }
                                Op::Call => {
                                    let function = forced!(instruction.b);
                                    // SAFETY: callee and arguments are registers of the frame.
                                    let args =
                                        unsafe { registers.add(usize::from(instruction.b) + 1) };
                                    // SAFETY: see the head of the loop.
                                    let depth = unsafe { (*frame).depth };
                                    if let Some(closure) = function.as_closure() {
                                        let callee = Linked::at(closure.code());
                                        if callee.arity == instruction.c && self.may_call(depth) {
                                            wait!(ip.add(CALL_WORDS), instruction.a);
                                            (frame, registers) = self.push_call(
                                                callee,
                                                closure,
                                                None,
                                                depth + 1,
                                                args,
                                                usize::from(instruction.c),
                                            );
                                            enter!(callee);
                                        }
                                    } else if let Some(builtin) = function.as_builtin() {
                                        force_arguments!(instruction, builtin);
                                    } else if let Some(partial) = function.as_partial()
                                        && let Some((callee, closure)) =
                                            self.completed(partial, instruction.c, depth)
                                    {
                                        wait!(ip.add(CALL_WORDS), instruction.a);
                                        // SAFETY: as above.
                                        let args =
                                            unsafe { Passed::at(args, usize::from(instruction.c)) };
                                        (frame, registers) = self.push_completed(
                                            callee,
                                            closure,
                                            partial,
                                            args,
                                            depth + 1,
                                        );
                                        enter!(callee);
                                    }
                                    wait!(ip.add(CALL_WORDS), instruction.a);
                                    // SAFETY: as above.
                                    let args =
                                        unsafe { Passed::at(args, usize::from(instruction.c)) };
                                    let pos = call_position!();
                                    finish!(
                                        instruction.a,
                                        self.call_in_code(function, args, depth, pos)
                                    );
                                    skip_words!(CALL_WORDS - 1);
                                }
                                Op::TailCall => {
                                    let function = forced!(instruction.b);
                                    // SAFETY: callee and arguments are registers of the frame.
                                    let args =
                                        unsafe { registers.add(usize::from(instruction.b) + 1) };
                                    if let Some(closure) = function.as_closure() {
                                        let callee = Linked::at(closure.code());
                                        // SAFETY: see the head of the loop.
                                        let depth = unsafe { (*frame).depth };
                                        if callee.arity == instruction.c && self.may_call(depth) {
                                            let pos = call_position!();
                                            // SAFETY: see the head of the loop.
                                            registers = unsafe {
                                                self.replace_call(frame, callee, closure, args, pos)
                                            };
                                            enter!(callee);
                                        }
                                    } else if let Some(builtin) = function.as_builtin() {
                                        force_arguments!(instruction, builtin);
                                    } else if let Some(partial) = function.as_partial()
                                        // SAFETY: see the head of the loop.
                                        && let depth = unsafe { (*frame).depth }
                                        && let Some((callee, closure)) =
                                            self.completed(partial, instruction.c, depth)
                                    {
                                        // SAFETY: as above.
                                        let args =
                                            unsafe { Passed::at(args, usize::from(instruction.c)) };
                                        let pos = call_position!();
                                        // SAFETY: see the head of the loop.
                                        registers = unsafe {
                                            self.replace_completed(
                                                frame, callee, closure, partial, args, pos,
                                            )
                                        };
                                        enter!(callee);
                                    }
                                    // SAFETY: as above.
                                    let args =
                                        unsafe { Passed::at(args, usize::from(instruction.c)) };
                                    let pos = call_position!();
                                    // A builtin comes back soon, and the `Return` that follows is cheaper than a frame for the
                                    // thunk that this code may be the body of.
                                    if let Some(builtin) = function.as_builtin()
                                        && self.host.arity(builtin) == args.len()
                                    {
                                        // SAFETY: see the head of the loop.
                                        let depth = unsafe { (*frame).depth };
                                        wait!(ip.add(CALL_WORDS), instruction.a);
                                        finish!(
                                            instruction.a,
                                            self.call_builtin(builtin, args, depth, pos)
                                        );
                                        skip_words!(CALL_WORDS);
                                        continue;
                                    }
                                    wait!(ip, 0);
                                    let code = code!();
                                    match self.tail_call(function, args, pos) {
                                        Flow::Enter => continue 'enter,
                                        Flow::Value(value) => match self.hand_to_code(value) {
                                            true => continue 'enter,
                                            false => return Flow::Value(value),
                                        },
                                        flow => return self.leave_with(flow, code, ip),
                                    }
                                }
                                Op::Jump => skip!(instruction),
                                Op::JumpIfFalse => jump_if!(instruction, false),
                                Op::JumpIfTrue => jump_if!(instruction, true),
                                Op::CheckBool => {
                                    let value = forced!(instruction.a);
                                    if value.as_bool().is_none() {
                                        let pos = position!();
                                        break 'fail self.not_a_bool(
                                            value,
                                            OperandUse::of(instruction.x),
                                            pos,
                                        );
                                    }
                                }
                                Op::AssertFailed => {
                                    let (code, pc) = (code!(), pc!());
                                    let operands = (instruction.x == 1).then(|| {
                                        [*register!(instruction.a), *register!(instruction.a + 1)]
                                    });
                                    break 'fail self.assertion_failed(
                                        code,
                                        pc,
                                        instruction.wide(),
                                        operands,
                                    );
                                }
                                Op::Not => {
                                    let value = forced!(instruction.b);
                                    let Some(test) = value.as_bool() else {
                                        let pos = position!();
                                        break 'fail self.not_a_bool(value, OperandUse::Not, pos);
                                    };
                                    test!(instruction.a, !test);
                                }
                                Op::Negate => {
                                    let value = forced!(instruction.b);
                                    *register!(instruction.a) = attempt!(self.negate(value));
                                }
                                Op::Add => {
                                    if let Some(sum) = register!(instruction.b)
                                        .add_inline(*register!(instruction.c))
                                    {
                                        *register!(instruction.a) = sum;
                                    } else {
                                        let left = forced!(instruction.b);
                                        if left.as_inline_int().is_none()
                                            && !left.is_string()
                                            && register!(instruction.c).resolved().is_thunk()
                                        {
                                            cold_path();
                                            wait!(ip.add(1), instruction.a);
                                            attempt!(self.check_addend(left));
                                        }
                                        let right = forced!(instruction.c);
                                        put!(instruction.a, self.add(left, right));
                                    }
                                }
                                Op::CheckAddend => {
                                    let value = *register!(instruction.a);
                                    if value.as_inline_int().is_none() {
                                        let value = forced!(instruction.a);
                                        if !value.is_string() {
                                            wait!(ip.add(1), instruction.a);
                                            attempt!(self.check_addend(value));
                                        }
                                    }
                                }
                                Op::AddInt => {
                                    let number = i64::from(instruction.c as i16);
                                    if let Some(sum) = register!(instruction.b).add_small(number) {
                                        *register!(instruction.a) = sum;
                                    } else {
                                        let value = forced!(instruction.b);
                                        put!(
                                            instruction.a,
                                            self.add_int(value, number, instruction.x == 1)
                                        );
                                    }
                                }
                                Op::Sub => {
                                    if let Some(difference) = register!(instruction.b)
                                        .sub_inline(*register!(instruction.c))
                                    {
                                        *register!(instruction.a) = difference;
                                    } else {
                                        let (left, right) =
                                            (forced!(instruction.b), forced!(instruction.c));
                                        *register!(instruction.a) =
                                            attempt!(self.subtract(left, right));
                                    }
                                }
                                Op::SubInt => {
                                    let number = i64::from(instruction.c as i16);
                                    if let Some(difference) =
                                        register!(instruction.b).add_small(-number)
                                    {
                                        *register!(instruction.a) = difference;
                                    } else {
                                        let value = forced!(instruction.b);
                                        let number = self.heap.int(number);
                                        *register!(instruction.a) =
                                            attempt!(self.subtract(value, number));
                                    }
                                }
                                Op::Mul => {
                                    let (left, right) =
                                        (forced!(instruction.b), forced!(instruction.c));
                                    *register!(instruction.a) =
                                        attempt!(self.multiply(left, right));
                                }
                                Op::Div => {
                                    let (left, right) =
                                        (forced!(instruction.b), forced!(instruction.c));
                                    *register!(instruction.a) = attempt!(self.divide(left, right));
                                }
                                Op::Eq => equal!(instruction, true),
                                Op::NotEq => equal!(instruction, false),
                                Op::EqConst => {
                                    let left = forced!(instruction.b);
                                    let right = constant!();
                                    skip!();
                                    let equal = if !left.is_heap() && !right.is_heap() {
                                        left == right
                                    } else {
                                        // Constants are neither lists nor sets: this is decided at once.
                                        super::equality::shallow(left, right).unwrap_or_default()
                                    };
                                    test!(instruction.a, equal == (instruction.x == 0));
                                }
                                Op::Less => less!(instruction, true),
                                Op::NotLess => less!(instruction, false),
                                Op::LessInt => less_int!(instruction, true),
                                Op::NotLessInt => less_int!(instruction, false),
                                Op::Update => {
                                    let right = update_operand!(instruction.c, UpdateRight);
                                    let left = update_operand!(instruction.b, UpdateLeft);
                                    *register!(instruction.a) = crate::value::update(
                                        &mut self.heap,
                                        &mut self.merge_plans,
                                        left,
                                        right,
                                    )
                                    .value();
                                    collect_behind!();
                                }
                                Op::CheckUpdate => {
                                    update_operand!(instruction.a, UpdateRight);
                                }
                                Op::Concat => {
                                    let (left, right) =
                                        (forced!(instruction.b), forced!(instruction.c));
                                    let Some(left) = left.as_list() else {
                                        break 'fail self.not_a_list(left);
                                    };
                                    let Some(right) = right.as_list() else {
                                        break 'fail self.not_a_list(right);
                                    };
                                    *register!(instruction.a) =
                                        self.heap.concat(left, right).value();
                                    collect_behind!();
                                }
                                Op::Interpolate => {
                                    for part in instruction.b..instruction.b + instruction.c {
                                        forced!(part);
                                    }
                                    // SAFETY: `c` registers from `b` on belong to the frame.
                                    let parts = unsafe {
                                        std::slice::from_raw_parts(
                                            registers.add(usize::from(instruction.b)),
                                            usize::from(instruction.c),
                                        )
                                    };
                                    put!(
                                        instruction.a,
                                        self.interpolate(parts, instruction.x == 1)
                                    );
                                }
                                Op::CoercePart => {
                                    let value = forced!(instruction.a);
                                    if !value.is_string() {
                                        put!(
                                            instruction.a,
                                            self.coerce_part(value, instruction.x == 0)
                                        );
                                    }
                                }
                                Op::Formals => {
                                    let argument = forced!(instruction.a);
                                    let formals =
                                        &code!().body().formals()[usize::from(instruction.c)];
                                    attempt!(self.match_formals(
                                        code!(),
                                        formals,
                                        argument,
                                        registers,
                                        instruction.b,
                                        instruction.x
                                    ));
                                }
                                Op::ConstIfUnset => {
                                    if *register!(instruction.a) == Value::UNSET {
                                        *register!(instruction.a) = constant!();
                                    }
                                    skip!();
                                }
                                Op::MoveIfUnset => {
                                    if *register!(instruction.a) == Value::UNSET {
                                        *register!(instruction.a) =
                                            register!(instruction.b).resolved();
                                    }
                                }
                                Op::ThunkIfUnset => {
                                    if *register!(instruction.a) == Value::UNSET {
                                        let (child, captures) = child!();
                                        // SAFETY: as of `Thunk`.
                                        let thunk = unsafe {
                                            self.heap.capturing(Kind::Thunk, child, captures)
                                        }
                                        .thunk_value();
                                        *register!(instruction.a) = thunk;
                                        *register!(instruction.a + 1) = thunk;
                                    } else {
                                        *register!(instruction.a + 1) = Value::NULL;
                                    }
                                    skip_words!(1 + many_words(instruction.x));
                                }
                                Op::CurrentPosition => {
                                    let pos = position!();
                                    *register!(instruction.a) = self.position_value(pos);
                                }
                                Op::Return => {
                                    let mut value = *register!(instruction.a);
                                    if let Some(thunk) = value.as_thunk_rarely() {
                                        if let Some(known) = thunk.value() {
                                            value = known;
                                        // SAFETY: see the head of the loop.
                                        } else if unsafe { (*frame).update.is_some() } {
                                            // One frame has to wait in any case, for the thunk that is to be updated.
                                            break 'force (instruction.a, thunk);
                                        } else {
                                            wait!(ip, instruction.a);
                                            let code = code!();
                                            match self.return_thunk(value) {
                                                Flow::Enter => continue 'enter,
                                                Flow::Value(value) => {
                                                    match self.hand_to_code(value) {
                                                        true => continue 'enter,
                                                        false => return Flow::Value(value),
                                                    }
                                                }
                                                flow => return self.leave_with(flow, code, ip),
                                            }
                                        }
                                    }
                                    // SAFETY: see the head of the loop; the frame below is looked at once this one is gone.
                                    unsafe {
                                        if let Some(thunk) = (*frame).update {
                                            self.heap.finish(thunk, value);
                                        }
                                        self.stack.set_end(registers);
                                        self.frames.set_end(frame.cast::<Frame>());
                                    }
                                    // A builtin or a task that calls code goes on here, too.
                                    frame = 'below: {
                                        // SAFETY: below code there is another frame, at least that of the caller of the VM.
                                        let below = unsafe { &mut *frame.cast::<Frame>().sub(1) };
                                        if let Frame::Code(below) = below {
                                            break 'below below;
                                        }
                                        cold_path();
                                        loop {
                                            match self.pass_on(value) {
                                                Some(Flow::Value(result)) => value = result,
                                                Some(Flow::Enter) => continue 'enter,
                                                Some(flow) => return flow,
                                                None => return Flow::Value(value),
                                            }
                                            if let Some(Frame::Code(below)) = self.frames.last_mut()
                                            {
                                                break 'below below;
                                            }
                                        }
                                    };
                                    // SAFETY: as at the head of the loop, of the frame that is on top now.
                                    unsafe {
                                        ip = (*frame).ip;
                                        registers =
                                            self.stack.as_mut_ptr().add((*frame).base as usize);
                                        *registers.add(usize::from((*frame).dst)) = value;
                                    }
                                    continue 'resume;
                                }
                            }
                            skip!();
                        }
                    };
                    cold_path();
                    // Where it happened is noted before the error leaves; no frame has been pushed since.
                    wait!(ip, NOWHERE);
                    let code = code!();
                    // SAFETY: `ip` is at the instruction that failed.
                    let pc = unsafe { ip.offset_from(code.start()) } as usize;
                    return Flow::Failed(error.at(code.position(pc)));
                };
                // The instruction runs again when the register has its value.
                wait!(ip, awaited);
                // Thunks of code are the most frequent ones.
                // SAFETY: see the head of the loop.
                let depth = unsafe { (*frame).depth };
                let state = thunk.state();
                if state == ThunkState::Suspended {
                    thunk.begin();
                    let captured = thunk.captured();
                    let callee = Linked::at(captured.code());
                    (frame, registers) =
                        self.push_call(callee, captured, Some(thunk), depth, registers, 0);
                    enter!(callee);
                }
                // So are those that apply a lambda, which then updates the thunk itself.
                if state == ThunkState::Apply
                    && let (function, args) = thunk.application()
                    && let Some(closure) = function.as_closure()
                    && let callee = Linked::at(closure.code())
                    && usize::from(callee.arity) == args.len()
                    && self.may_call(depth)
                {
                    thunk.begin();
                    (frame, registers) = self.push_call(
                        callee,
                        closure,
                        Some(thunk),
                        depth + 1,
                        args.as_ptr(),
                        args.len(),
                    );
                    enter!(callee);
                }
                let code = code!();
                match self.force_at(thunk.as_value(), depth) {
                    Flow::Enter => continue 'enter,
                    Flow::Value(value) => {
                        relocate!();
                        *register!(awaited) = value;
                    }
                    Flow::Failed(error) => {
                        return Flow::Failed(Self::failed_operand(error, code, ip, awaited));
                    }
                    flow => return flow,
                }
            }
        }
    }
}
