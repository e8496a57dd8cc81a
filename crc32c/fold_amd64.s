#include "textflag.h"

// FOLD multiplies the four times 128 bits of x by those of by and adds what stands further on. It spoils t.
#define FOLD(by, on, x, t) \
	VPCLMULQDQ $0x00, by, x, t;  \
	VPCLMULQDQ $0x11, by, x, x;  \
	VPTERNLOGQ $0x96, on, t, x

// func fold(p *byte, n int, by *[4]uint64) (crc uint32)
TEXT ·fold(SB), NOSPLIT, $64-28
	MOVQ p+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ by+16(FP), BX
	VBROADCASTI32X4 (BX), Z8
	VBROADCASTI32X4 16(BX), Z9
	VMOVDQU64 (SI), Z0
	VMOVDQU64 64(SI), Z1
	VMOVDQU64 128(SI), Z2
	VMOVDQU64 192(SI), Z3
	MOVL $-1, AX // the initial state
	VMOVQ AX, X4 // with V: the rest of the register is zero then, whatever stood there
	VPXORQ Z4, Z0, Z0

next:
	SUBQ $256, CX
	ADDQ $256, SI
	CMPQ CX, $256
	JLT  last
	FOLD(Z8, (SI), Z0, Z4)
	FOLD(Z8, 64(SI), Z1, Z5)
	FOLD(Z8, 128(SI), Z2, Z6)
	FOLD(Z8, 192(SI), Z3, Z7)
	JMP  next

last:
	FOLD(Z9, Z1, Z0, Z4)
	FOLD(Z9, Z2, Z0, Z4)
	FOLD(Z9, Z3, Z0, Z4)

rest:
	SUBQ $64, CX
	JLT  done
	FOLD(Z9, (SI), Z0, Z4)
	ADDQ $64, SI
	JMP  rest

done:
	VMOVDQU64 Z0, folded-64(SP)
	VZEROUPPER
	XORL AX, AX // the initial state is in what was folded
	CRC32Q folded-64(SP), AX
	CRC32Q folded-56(SP), AX
	CRC32Q folded-48(SP), AX
	CRC32Q folded-40(SP), AX
	CRC32Q folded-32(SP), AX
	CRC32Q folded-24(SP), AX
	CRC32Q folded-16(SP), AX
	CRC32Q folded-8(SP), AX
	NOTL AX
	MOVL AX, crc+24(FP)
	RET
