package request

import "flashq/http/schema"

// nameRule is badName's without the length: no dot after a dot, no dash and no two underlines in front.
const nameRule = `^(_\.?|(_?\.[A-Za-z0-9_-]|_[A-Za-z0-9-]|[A-Za-z0-9])(\.?[A-Za-z0-9_-])*\.?)$`

// What names and times are, for those who make requests. CheckName and ParseTime judge.
var (
	TopicName = named(MaxTopicName, "news")
	GroupName = named(MaxGroupName, "billing")
	Token     = schema.String().Like("TOKEN").
			Says("the token, of events alone: a browser can set no header on a stream of them")

	// Position is where to go on in each partition, a member's with its generation before it.
	Position = schema.Text(
		`^(g[0-9]{1,9};|(g[0-9]{1,9};)?[0-9]{1,9}:[0-9]{1,18}(,[0-9]{1,9}:[0-9]{1,18})*)$`).Like("0:15,2:7")

	// RecordTime is a time in any form, Time one that is not taken for another by mistake. Of years with a leap day the
	// rule knows nothing: ParseTime takes it.
	RecordTime = schema.Text(`^(` + dated + `|` + ago + `|[0-9]{1,18})$`).Like(exampleTime)
	Time       = schema.Text(`^(` + dated + `|` + ago + `|` + millis + `)$`).Like(exampleTime)
	// Instant is earliest, latest or a Time.
	Instant = schema.Text(`^(earliest|latest|` + dated + `|` + ago + `|` + millis + `)$`).Like("latest")
)

const (
	exampleTime = "2026-01-15T10:00:00Z"

	millis = `0+|[2-9][0-9]{11}|[1-9][0-9]{12,17}` // those that are not taken for seconds
	ago    = `-([0-9]{1,4}(ms|s|m|h|d))+`
	dated  = `[0-9]{4}-(` + day + `)([Tt]` + clock + `([Zz]|[ +-]([01][0-9]|2[0-3]):[0-5][0-9]))?`
	day    = `(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8])`
	clock  = `([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?`
)

func named(most int, example string) *schema.Schema {
	name := schema.Text(nameRule).Like(example)
	name.MinLength, name.MaxLength = 1, most
	return name
}
