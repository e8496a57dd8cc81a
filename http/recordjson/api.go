package recordjson

import "flashq/http/recordbody"

// These are what all formats of bodies share.
type (
	// Limits are recordbody's.
	Limits = recordbody.Limits
	// Target is recordbody's.
	Target = recordbody.Target
	// Request is recordbody's.
	Request = recordbody.Request
	// Part is recordbody's.
	Part = recordbody.Part
	// Placement is recordbody's.
	Placement = recordbody.Placement
	// Error is recordbody's.
	Error = recordbody.Error
)
