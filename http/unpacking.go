package http

import (
	"errors"
	"fmt"

	"flashq/budget"
	"flashq/codec"
	"flashq/http/fault"
	"flashq/http/recordbody"
	"flashq/segment/batch"
	"flashq/slab"
)

// unpacking decompresses the batches of one body, one after the other, and bounds what they become: as much as a body
// may have, all together.
type unpacking struct {
	codecs *codec.Set
	hold   *budget.Lease
	body   int    // bytes that hold has for the body
	most   int    // bytes that all batches may become
	left   int    // of most
	room   []byte // a slab, or nil
}

// Unpack implements recordbody.Unpacker.
func (u *unpacking) Unpack(index int, packed batch.Batch) (plain batch.Batch, err error) {
	plain, u.room, err = u.codecs.UnpackUpTo(u.room, packed, u.left)
	switch {
	case errors.Is(err, codec.ErrTooLarge):
		return nil, fault.BodyTooLarge.New(
			fmt.Sprintf("batch %d: the %s records of the body decompress to more than %d bytes", index,
				codec.Name(packed), u.most),
			fault.Details{"index": index, "max_size": u.most})
	case errors.Is(err, codec.ErrWindow):
		return nil, fault.BodyTooLarge.New(fmt.Sprintf("batch %d: its zstd window is larger than %d bytes; compress with a "+
			"smaller one", index, u.codecs.Window()), fault.Details{"index": index, "max_size": u.codecs.Window()})
	case err != nil:
		return nil, recordbody.Corrupt(index, fmt.Sprintf("its records are not valid %s", codec.Name(packed)))
	}
	u.left -= len(plain) - batch.HeaderSize
	if !u.hold.Raise(u.body + cap(u.room)) {
		return nil, bodiesWait()
	}
	return plain, nil
}

// done gives back what the batches were decompressed into.
func (u *unpacking) done() {
	slab.Put(u.room)
	if u.room != nil {
		u.hold.Lower(u.body)
	}
	*u = unpacking{}
}
