// Package recordjson is the hot JSON path: it decodes produce bodies straight into encoded record batches, with no
// struct and no allocation per record, and appends fetched records as JSON. Everything else that is JSON in FlashQ is
// encoding/json's business.
package recordjson
