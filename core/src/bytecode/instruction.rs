//! The instructions, in one table: name, operands, effect. Enum, names and operand shapes derive from it.
//!
//! An instruction is one word: `[op u8][x u8][a u16][b u16][c u16]`; `w` is `b` and `c` together, 32 bits.
//!
//! Registers may hold thunks. An instruction that needs a value forces the register in place and is
//! then executed again from its start; so its operands are read only once all of them are there.

/// How the operand fields are used, for the disassembler.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operands {
    /// none
    None,
    /// register a
    A,
    /// registers a, b
    AB,
    /// registers a, b, c
    ABC,
    /// register a, wide operand
    AW,
    /// distance of a jump
    Target,
    /// register a, distance of a jump
    ATarget,
    /// registers a, b, signed integer c
    AInt,
    /// register a, first register b, count c
    ARange,
    /// registers a, b; select site c
    ASelect,
}

macro_rules! instructions {
    ($($(#[doc = $doc:literal])+ $name:ident $operands:ident),* $(,)?) => {
        /// What an instruction does.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Op {
            $($(#[doc = $doc])+ $name),*
        }

        impl Op {
            /// All of them, in their order.
            pub const ALL: &[Op] = &[$(Op::$name),*];
            /// How many there are.
            pub const COUNT: usize = Op::ALL.len();

            /// Its name in listings.
            pub fn name(self) -> &'static str {
                match self { $(Op::$name => stringify!($name)),* }
            }

            /// How it uses the operand fields.
            pub fn operands(self) -> Operands {
                match self { $(Op::$name => Operands::$operands),* }
            }

            /// Whether its wide operand is a child: what it makes or fills is a thunk or closure of that code.
            #[inline]
            pub fn has_child(self) -> bool {
                matches!(
                    self,
                    Op::Thunk
                        | Op::Closure
                        | Op::NewThunk
                        | Op::NewClosure
                        | Op::ThunkIfUnset
                        | Op::Fill
                        | Op::FillIfNew
                )
            }

            /// Whether it calls a function: what is called is told where it was.
            #[inline]
            pub fn is_call(self) -> bool {
                matches!(self, Op::Call | Op::TailCall)
            }
        }
    };
}

instructions! {
    /// a = constant w
    Const AW,
    /// a = capture b
    Capture AB,
    /// a = b
    Move AB,
    /// force a in place
    Force A,
    /// a = thunk of child w, its captures taken from registers and captures
    Thunk AW,
    /// a = closure of child w, likewise
    Closure AW,
    /// like Thunk, where it has at most two captures; the compiler emits none
    ThunkOfFew AW,
    /// like Closure, likewise
    ClosureOfFew AW,
    /// a = thunk of child w, captures still null: for bindings that refer to each other
    NewThunk AW,
    /// a = closure of child w, likewise
    NewClosure AW,
    /// take the captures of the thunk or closure a of child w
    Fill AW,
    /// a = list of the c registers from b
    List ARange,
    /// a = list of w nulls
    NewList AW,
    /// item w of the list a = register a + 1
    SetItem AW,
    /// a = set of shape c, values from register b on in the order of its keys
    Attrs ABC,
    /// a = set of shape w, all null
    NewAttrs AW,
    /// value w of the set a = register a + 1
    SetAttr AW,
    /// a = a with attribute named by b (null: none) and value c; an existing name is an error
    DynamicAttr ABC,
    /// a = b.(select site c)
    Select ASelect,
    /// a = b.(select site c) and skip the next instruction; where b is no set or has no such attribute, execute it
    SelectOr ASelect,
    /// if b is there already, a set, and has (select site c): a = that and skip the next instruction; else execute it
    SelectAtHand ASelect,
    /// if b and c are there already, small integers: a = b + c and skip the next instruction; else execute it
    AddAtHand ABC,
    /// likewise, a = b - c
    SubAtHand ABC,
    /// likewise, a = b + the integer c
    AddIntAtHand AInt,
    /// a = whether b is a set that has (select site c)
    HasAttr ASelect,
    /// like Select with the name in register c
    SelectDynamic ABC,
    /// like SelectOr with the name in register c
    SelectDynamicOr ABC,
    /// like HasAttr with the name in register c
    HasAttrDynamic ABC,
    /// a = (set b of a `with`).(select site c) and execute the next instruction; skip it where there is no such attribute
    WithLookup ASelect,
    /// fail: the variable of select site c is in no `with`
    Undefined ASelect,
    /// a = call b with the c registers that follow it
    Call ARange,
    /// return the call of b with the c registers that follow it; a builtin's result is put into a instead, for the `Return` behind
    TailCall ARange,
    /// go on w instructions behind the next one
    Jump Target,
    /// likewise, if a is false; a must be a bool, x says for whom (see `BoolUse`)
    JumpIfFalse ATarget,
    /// likewise, if a is true
    JumpIfTrue ATarget,
    /// fail unless a is a bool
    CheckBool A,
    /// fail: the assertion whose text is constant w; x: 1 if it compares a with the register behind it
    AssertFailed AW,
    /// a = !b
    Not AB,
    /// a = -b
    Negate AB,
    /// a = b + c
    Add ABC,
    /// a = b + the integer c; x: 1 if that is written on the left
    AddInt AInt,
    /// a = b - c
    Sub ABC,
    /// a = b - the integer c
    SubInt AInt,
    /// a = b * c
    Mul ABC,
    /// a = b / c
    Div ABC,
    /// a = b == c
    Eq ABC,
    /// a = b != c
    NotEq ABC,
    /// a = b == constant c; x: 1 for !=
    EqConst ABC,
    /// a = b < c
    Less ABC,
    /// a = !(b < c)
    NotLess ABC,
    /// a = b < the integer c; x: 1 for the integer c < b
    LessInt AInt,
    /// a = !(b < the integer c), likewise
    NotLessInt AInt,
    /// fail unless a can stand on the left of a `+` whose right side comes next
    CheckAddend A,
    /// a = b // c; c is evaluated first
    Update ABC,
    /// fail unless a can stand on the right of a `//` whose left side comes next
    CheckUpdate A,
    /// a = b ++ c
    Concat ABC,
    /// a = the c registers from b, coerced and joined; x: 0 a string, 1 a path
    Interpolate ARange,
    /// a = the string that it is in such a string (x: 0) or path (x: 1), whose other parts come next
    CoercePart A,
    /// match argument a against formals c, their registers from b on, x apart; what is missing and has a default is left unset
    Formals ABC,
    /// if a is unset: a = constant w
    ConstIfUnset AW,
    /// if a is unset: a = b
    MoveIfUnset AB,
    /// if a is unset: a and register a + 1 = thunk of child w, captures still null; else register a + 1 = null
    ThunkIfUnset AW,
    /// if a is not null: take the captures of thunk a of child w
    FillIfNew AW,
    /// a = the set that positions are described with, of this instruction's position
    CurrentPosition A,
    /// return a, in weak head normal form
    Return A,
}

/// One instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C, align(8))]
pub struct Instruction {
    /// What it does.
    pub op: Op,
    /// Small operand.
    pub x: u8,
    /// First operand.
    pub a: u16,
    /// Second operand.
    pub b: u16,
    /// Third operand.
    pub c: u16,
}

const _: () = assert!(size_of::<Instruction>() == 8);

impl Instruction {
    /// As it stands in an image.
    pub(super) fn to_bytes(self) -> [u8; 8] {
        let low = u64::from(self.op as u8) | u64::from(self.x) << 8 | u64::from(self.a) << 16;
        (low | u64::from(self.b) << 32 | u64::from(self.c) << 48).to_le_bytes()
    }

    /// What [`Instruction::to_bytes`] made these of.
    pub(super) fn from_bytes([op, x, a, a_high, b, b_high, c, c_high]: [u8; 8]) -> Self {
        Instruction {
            op: Op::ALL[usize::from(op)],
            x,
            a: u16::from_le_bytes([a, a_high]),
            b: u16::from_le_bytes([b, b_high]),
            c: u16::from_le_bytes([c, c_high]),
        }
    }

    /// With three operands.
    pub fn abc(op: Op, a: u16, b: u16, c: u16) -> Self {
        Instruction { op, x: 0, a, b, c }
    }

    /// With a wide operand.
    pub fn aw(op: Op, a: u16, wide: u32) -> Self {
        Instruction {
            op,
            x: 0,
            a,
            b: wide as u16,
            c: (wide >> 16) as u16,
        }
    }

    /// How far a jump goes, from the instruction behind it.
    #[inline(always)]
    pub fn offset(self) -> isize {
        self.wide() as i32 as isize
    }

    /// The wide operand.
    #[inline(always)]
    pub fn wide(self) -> u32 {
        u32::from(self.b) | u32::from(self.c) << 16
    }
}

macro_rules! operand_uses {
    ($($(#[doc = $doc:literal])+ $name:ident = $step:literal),* $(,)?) => {
        /// What an operand is of, and what a trace says of it. Those that need a bool are operand `x` of the instructions that check for one.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum OperandUse {
            $($(#[doc = $doc])+ $name),*
        }

        impl OperandUse {
            const ALL: &[(OperandUse, &str)] = &[$((OperandUse::$name, $step)),*];
        }
    };
}

operand_uses! {
    /// `if`
    If = "while evaluating a branch condition",
    /// `assert`
    Assert = "in the condition of the assert statement",
    /// `&&`, left operand.
    AndLeft = "in the left operand of the AND (&&) operator",
    /// `&&`, right operand.
    AndRight = "in the right operand of the AND (&&) operator",
    /// `||`, left operand.
    OrLeft = "in the left operand of the OR (||) operator",
    /// `||`, right operand.
    OrRight = "in the right operand of the OR (||) operator",
    /// `->`, left operand.
    ImpliesLeft = "in the left operand of the IMPL (->) operator",
    /// `->`, right operand.
    ImpliesRight = "in the right operand of the IMPL (->) operator",
    /// `!`
    Not = "in the argument of the not operator",
    /// `//`, left operand.
    UpdateLeft = "in the left operand of the update (//) operator",
    /// `//`, right operand.
    UpdateRight = "in the right operand of the update (//) operator",
    /// `with`
    With = "while evaluating the first subexpression of a with expression",
    /// The name of an attribute.
    Name = "while evaluating an attribute name",
    /// `-`
    Sub = "while calling the 'sub' builtin",
    /// `*`
    Mul = "while calling the 'mul' builtin",
    /// `/`
    Div = "while calling the 'div' builtin",
    /// `<` and its like
    Less = "while calling the 'lessThan' builtin",
}

impl OperandUse {
    /// How many there are.
    pub const COUNT: usize = OperandUse::ALL.len();

    /// The one of this number, which is one's.
    pub fn of(number: u8) -> Self {
        OperandUse::ALL[usize::from(number)].0
    }

    /// What the trace of an error says.
    pub const fn step(self) -> &'static str {
        OperandUse::ALL[self as usize].1
    }

    /// Whether Nix has a call of a builtin in its place.
    pub fn is_call(self) -> bool {
        self as u8 >= OperandUse::Sub as u8
    }
}
