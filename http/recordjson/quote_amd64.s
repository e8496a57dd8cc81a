#include "textflag.h"

DATA quoteFlip<>+0(SB)/1, $0x02
GLOBL quoteFlip<>(SB), RODATA|NOPTR, $1

DATA quoteBound<>+0(SB)/1, $0x20
GLOBL quoteBound<>(SB), RODATA|NOPTR, $1

DATA quoteControl<>+0(SB)/1, $0x1f
GLOBL quoteControl<>(SB), RODATA|NOPTR, $1

DATA quoteBackslash<>+0(SB)/1, $0x5c
GLOBL quoteBackslash<>(SB), RODATA|NOPTR, $1

// Added with saturation, it leaves the lowest four bits of 0x00 to 0x0f alone and sets the top bit of all others.
DATA quoteLow<>+0(SB)/1, $0x70
GLOBL quoteLow<>(SB), RODATA|NOPTR, $1

// The letters of the short escapes, at the control byte they stand for: \b, \t, \n, \f, \r.
DATA quoteLetters<>+0(SB)/8, $0x0000000000000000
DATA quoteLetters<>+8(SB)/8, $0x00007266006e7462
GLOBL quoteLetters<>(SB), RODATA|NOPTR, $16

// Read from its byte k on, it shuffles the bytes from k on to the front and makes the rest zero.
DATA slide<>+0(SB)/8, $0x0706050403020100
DATA slide<>+8(SB)/8, $0x0f0e0d0c0b0a0908
DATA slide<>+16(SB)/8, $0x8080808080808080
DATA slide<>+24(SB)/8, $0x8080808080808080
GLOBL slide<>(SB), RODATA|NOPTR, $32

// MARK sets mark to ones in the bytes of x that want an escape, and spoils t. Flipping bit 1 swaps 0x20 with 0x22, so
// that one bound finds control bytes and quotes.
#define MARK(x, mark, t) \
	VPXOR    Y0, x, t;       \
	VPMINUB  Y1, t, mark;    \
	VPCMPEQB t, mark, mark;  \
	VPCMPEQB Y2, x, t;       \
	VPOR     t, mark, mark

// SPREAD writes the word that UNPACK takes from x, with a backslash before each byte that the lowest bits of R8 name,
// 16 bytes of room in all, and lets DI follow.
#define SPREAD(UNPACK, x) \
	MOVBLZX R8, AX;                 \
	SHRL    $8, R8;                 \
	POPCNTL AX, DX;                 \
	SHLL    $4, AX;                 \
	UNPACK  X2, x, X5;              \
	VPSHUFB (R11)(AX*1), X5, X5;    \
	VMOVDQU X5, (DI);               \
	LEAQ    8(DI)(DX*1), DI

// func quoteText(dst *byte, room int, src *byte, n int) (in, out int, high uint32)
//
// A step takes 32 bytes, or what is left, in Y3: their number in R9, a bit for each in R12. It needs 64 bytes of room,
// which begin at R13 at the latest. CX is what is left.
TEXT ·quoteText(SB), NOSPLIT, $0-52
	MOVQ dst+0(FP), DI
	MOVQ room+8(FP), R13
	MOVQ src+16(FP), SI
	MOVQ n+24(FP), CX
	LEAQ -64(DI)(R13*1), R13
	LEAQ ·expansions(SB), R11
	VPBROADCASTB quoteFlip<>(SB), Y0
	VPBROADCASTB quoteBound<>(SB), Y1
	VPBROADCASTB quoteBackslash<>(SB), Y2
	VPXOR Y14, Y14, Y14

loop64:
	CMPQ CX, $64
	JLT  loop32
	CMPQ DI, R13
	JHI  done
	VMOVDQU (SI), Y3
	VMOVDQU 32(SI), Y4
	MARK(Y3, Y7, Y8)
	MARK(Y4, Y9, Y10)
	VPOR Y7, Y9, Y9
	VPMOVMSKB Y9, BX
	TESTL BX, BX
	JNZ  full
	VPOR Y3, Y14, Y14
	VPOR Y4, Y14, Y14
	VMOVDQU Y3, (DI)
	VMOVDQU Y4, 32(DI)
	ADDQ $64, SI
	ADDQ $64, DI
	SUBQ $64, CX
	JMP  loop64

loop32:
	CMPQ CX, $32
	JLT  tail
	CMPQ DI, R13
	JHI  done
	VMOVDQU (SI), Y3
	MARK(Y3, Y7, Y8)

full:
	VPMOVMSKB Y7, R8
	MOVL $32, R9
	MOVL $-1, R12

step:
	VPOR  Y3, Y14, Y14
	TESTL R8, R8
	JNZ   marked
	VMOVDQU Y3, (DI)
	ADDQ R9, DI
	ADDQ R9, SI
	SUBQ R9, CX
	JNZ  loop64
	JMP  done

marked:
	VPBROADCASTB quoteControl<>(SB), Y9
	VPMINUB   Y9, Y3, Y9
	VPCMPEQB  Y3, Y9, Y9
	VPMOVMSKB Y9, BX
	TESTL R12, BX
	JZ   spread

	// Control bytes become their letters. Where one has none, this ends.
	VPBROADCASTB   quoteLow<>(SB), Y10
	VBROADCASTI128 quoteLetters<>(SB), Y11
	VPADDUSB  Y10, Y3, Y10
	VPSHUFB   Y10, Y11, Y10
	VPXOR     Y6, Y6, Y6
	VPCMPEQB  Y6, Y10, Y6
	VPAND     Y6, Y9, Y6
	VPMOVMSKB Y6, BX
	TESTL R12, BX
	JNZ  done
	VPANDN Y3, Y9, Y3
	VPOR   Y10, Y3, Y3

spread:
	VEXTRACTI128 $1, Y3, X4
	SPREAD(VPUNPCKLQDQ, X3)
	SPREAD(VPUNPCKHQDQ, X3)
	SPREAD(VPUNPCKLQDQ, X4)
	SPREAD(VPUNPCKHQDQ, X4)
	LEAQ -32(DI)(R9*1), DI
	ADDQ R9, SI
	SUBQ R9, CX
	JMP  loop32

	// Less than 32 bytes: loads overlap, so that none reads outside.
tail:
	TESTQ CX, CX
	JZ   done
	CMPQ DI, R13
	JHI  done
	MOVQ CX, R9
	MOVL $-1, R12
	BZHIL CX, R12, R12
	CMPQ CX, $16
	JLT  tail16
	MOVL $32, BX
	SUBL CX, BX
	LEAQ slide<>(SB), AX
	VMOVDQU -16(SI)(CX*1), X4
	VPSHUFB (AX)(BX*1), X4, X4
	VMOVDQU (SI), X3
	VINSERTI128 $1, X4, Y3, Y3
	JMP  judge

tail16:
	CMPQ CX, $8
	JLT  tail8
	MOVL $15, DX
	SUBL CX, DX
	SHLL $3, DX
	MOVQ (SI), AX
	MOVQ -8(SI)(CX*1), BX
	SHRXQ DX, BX, BX
	SHRQ $8, BX
	VMOVQ AX, X3
	VPINSRQ $1, BX, X3, X3
	JMP  judge

tail8:
	LEAL (CX*8), DX
	CMPQ CX, $4
	JLT  tail4
	SUBL $32, DX
	MOVL (SI), AX
	MOVL -4(SI)(CX*1), BX
	SHLXQ DX, BX, BX
	ORQ  BX, AX
	VMOVQ AX, X3
	JMP  judge

tail4:
	SUBL $8, DX
	MOVBLZX (SI), AX
	MOVBLZX -1(SI)(CX*1), BX
	SHLXQ DX, BX, BX
	ORQ  BX, AX
	MOVQ CX, DX
	SHRL $1, DX
	MOVBLZX (SI)(DX*1), BX
	SHLL $3, DX
	SHLXQ DX, BX, BX
	ORQ  BX, AX
	VMOVQ AX, X3

judge:
	MARK(Y3, Y7, Y8)
	VPMOVMSKB Y7, R8
	ANDL R12, R8
	JMP  step

done:
	VPMOVMSKB Y14, AX
	MOVL AX, high+48(FP)
	SUBQ src+16(FP), SI
	MOVQ SI, in+32(FP)
	SUBQ dst+0(FP), DI
	MOVQ DI, out+40(FP)
	VZEROUPPER
	RET
