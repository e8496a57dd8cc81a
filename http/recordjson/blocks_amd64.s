#include "textflag.h"

DATA flip<>+0(SB)/8, $0x0202020202020202
DATA flip<>+8(SB)/8, $0x0202020202020202
GLOBL flip<>(SB), RODATA|NOPTR, $16

DATA bound<>+0(SB)/8, $0x2121212121212121
DATA bound<>+8(SB)/8, $0x2121212121212121
GLOBL bound<>(SB), RODATA|NOPTR, $16

DATA quote<>+0(SB)/1, $0x22
GLOBL quote<>(SB), RODATA|NOPTR, $1

DATA backslash<>+0(SB)/8, $0x5c5c5c5c5c5c5c5c
DATA backslash<>+8(SB)/8, $0x5c5c5c5c5c5c5c5c
GLOBL backslash<>(SB), RODATA|NOPTR, $16

DATA lastControl<>+0(SB)/1, $0x1f
GLOBL lastControl<>(SB), RODATA|NOPTR, $1

// ENDING sets mark to ones in the bytes of x that are not plain, and spoils x and t. Bytes are compared as signed, so
// that those of 0x80 and above are below the bound, too; flipping bit 1 swaps 0x20 with 0x22, so that the one bound
// finds control bytes and quotes.
#define ENDING(x, mark, t) \
	MOVO    x, t;     \
	PCMPEQB X2, t;    \
	PXOR    X0, x;    \
	MOVO    X1, mark; \
	PCMPGTB x, mark;  \
	POR     t, mark

// func plainBlocks(p *byte, n int) int
TEXT ·plainBlocks(SB), NOSPLIT, $0-24
	MOVQ p+0(FP), SI
	MOVQ n+8(FP), CX
	XORQ AX, AX
	MOVOU flip<>(SB), X0
	MOVOU bound<>(SB), X1
	MOVOU backslash<>(SB), X2

loop64:
	LEAQ 64(AX), DX
	CMPQ DX, CX
	JGT  loop16
	MOVOU (SI)(AX*1), X3
	MOVOU 16(SI)(AX*1), X4
	MOVOU 32(SI)(AX*1), X5
	MOVOU 48(SI)(AX*1), X6
	ENDING(X3, X7, X8)
	ENDING(X4, X9, X10)
	ENDING(X5, X11, X12)
	ENDING(X6, X13, X14)
	POR X9, X7
	POR X13, X11
	POR X11, X7
	PMOVMSKB X7, BX
	TESTL BX, BX
	JNZ  loop16
	MOVQ DX, AX
	JMP  loop64

loop16:
	LEAQ 16(AX), DX
	CMPQ DX, CX
	JGT  done
	MOVOU (SI)(AX*1), X3
	ENDING(X3, X7, X8)
	PMOVMSKB X7, BX
	TESTL BX, BX
	JNZ  found
	MOVQ DX, AX
	JMP  loop16

found:
	BSFL BX, BX
	ADDQ BX, AX

done:
	MOVQ AX, ret+16(FP)
	RET

// HALF has the masks of half a block: quotes in AX, backslashes in BX, control bytes in CX, top bits in DX.
#define HALF(at) \
	VMOVDQU   at(SI), Y3;     \
	VPCMPEQB  Y0, Y3, Y4;     \
	VPCMPEQB  Y1, Y3, Y5;     \
	VPMINUB   Y2, Y3, Y6;     \
	VPCMPEQB  Y3, Y6, Y6;     \
	VPMOVMSKB Y4, AX;         \
	VPMOVMSKB Y5, BX;         \
	VPMOVMSKB Y6, CX;         \
	VPMOVMSKB Y3, DX

// func classifyBlock(b *[blockSize]byte) (c classes)
TEXT ·classifyBlock(SB), NOSPLIT, $0-40
	MOVQ b+0(FP), SI
	VPBROADCASTB quote<>(SB), Y0
	VPBROADCASTB backslash<>(SB), Y1
	VPBROADCASTB lastControl<>(SB), Y2
	HALF(32)
	SHLQ $32, AX
	SHLQ $32, BX
	SHLQ $32, CX
	MOVQ AX, R8
	MOVQ BX, R9
	MOVQ CX, R10
	MOVQ DX, R11
	HALF(0)
	ORQ  R8, AX
	ORQ  R9, BX
	ORQ  R10, CX
	ORQ  R11, DX
	MOVQ AX, c_quotes+8(FP)
	MOVQ BX, c_backslashes+16(FP)
	MOVQ CX, c_controls+24(FP)
	MOVQ DX, c_high+32(FP)
	VZEROUPPER
	RET

// KEEP moves the bytes of one word that the lowest bits of R8 name to DI, and lets DI follow. R9 is a one in each byte.
#define KEEP(at) \
	MOVBLZX R8, AX;       \
	SHRQ    $8, R8;       \
	MOVQ    at(SI), DX;   \
	PDEPQ   R9, AX, BX;   \
	MOVQ    BX, CX;       \
	SHLQ    $8, CX;       \
	SUBQ    BX, CX;       \
	PEXTQ   CX, DX, DX;   \
	MOVQ    DX, (DI);     \
	POPCNTL AX, AX;       \
	ADDQ    AX, DI

// func keepMarked(dst *[windowOut]byte, src *[windowIn]byte, keep uint64) (n int)
TEXT ·keepMarked(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ keep+16(FP), R8
	MOVQ $0x0101010101010101, R9
	KEEP(0)
	KEEP(8)
	KEEP(16)
	KEEP(24)
	KEEP(32)
	KEEP(40)
	KEEP(48)
	KEEP(56)
	SUBQ dst+0(FP), DI
	MOVQ DI, n+24(FP)
	RET
