package recordjson

import "flashq/http/recordbody"

// These are what all formats of bodies share.
type (
	// Limits and the rest are recordbody's.
	Limits    = recordbody.Limits
	Target    = recordbody.Target
	Request   = recordbody.Request
	Part      = recordbody.Part
	Placement = recordbody.Placement
	Error     = recordbody.Error
)
