package shop

import "time"

// component is one service of the shop: what it answers, what it calls, who minds it.
type component struct {
	name    string
	tier    int // -1: in no catalog, on purpose
	version string
	routes  []route
	memory  float64 // bytes in use when well
}

// route is one thing a service does.
type route struct {
	pattern string // net/http pattern
	path    string // how a caller asks for it
	work    time.Duration
	spread  float64 // sigma of the lognormal by which its own work varies
	fails   float64 // share of its own failures when all is well
	calls   []step
}

// step is one call that a route makes, in order. A hard one that fails fails the route with 502, a soft one is done
// without.
type step struct {
	to      string
	pattern string  // of the called route; for a stand-in what is asked of it
	chance  float64 // share of requests that make the call
	hard    bool
}

// stand is a system that sends no telemetry of its own: a database, somebody else's service.
type stand struct {
	name   string
	system string // db.system.name; "" for a service reached over HTTP
	db     string // db.namespace
	host   string
	work   time.Duration
	spread float64
}

// visit is what customers do, and how often.
type visit struct {
	pattern string
	method  string
	path    string
	rate    float64 // a second, on average
}

const ms = time.Millisecond

// plan is the shop. The catalog in org/ declares the same edges; a test compares them.
var plan = []component{
	{"gateway", 0, "v5.2.1", []route{
		{"GET /home", "/home", 4 * ms, 0.4, 0.00003, []step{{"catalog", "GET /products", 1, true}}},
		{"GET /search", "/search", 4 * ms, 0.4, 0.00003, []step{{"search", "GET /query", 1, true}}},
		{"POST /checkout", "/checkout", 6 * ms, 0.4, 0.00003, []step{{"checkout", "POST /orders", 1, true}}},
	}, 62e6},
	{"checkout", 0, "v2.30.4", []route{
		{"POST /orders", "/orders", 12 * ms, 0.5, 0.00004, []step{
			{"inventory", "POST /reservations", 1, true},
			{"payments", "POST /charges", 1, true},
			{"orders-db", "INSERT orders", 1, true},
			{"shipping-quotes", "GET /quotes", 0.35, false},
			{"gift-wrap", "POST /wraps", 0.1, false},
			{"notifications", topic, 1, false},
		}},
	}, 96e6},
	{"payments", 0, "v1.14.0", []route{
		{"POST /charges", "/charges", 45 * ms, 0.35, 0.00004, []step{{"fraudguard", "POST /scores", 1, true}}},
	}, 84e6},
	{"inventory", 1, "v8.2.0", []route{
		{"POST /reservations", "/reservations", 8 * ms, 0.4, 0.00004, []step{{"stock-db", "UPDATE stock", 1, true}}},
		{"GET /stock/{sku}", "/stock/hg-1042", 3 * ms, 0.4, 0.00003, []step{{"stock-db", "SELECT stock", 1, true}}},
	}, 71e6},
	{"catalog", 1, "v4.9.3", []route{
		{"GET /products", "/products", 9 * ms, 0.45, 0.00004, []step{{"inventory", "GET /stock/{sku}", 0.3, false}}},
	}, 128e6},
	{"search", 1, "v3.1.7", []route{
		{"GET /query", "/query", 35 * ms, 0.5, 0.00008, []step{{"catalog", "GET /products", 0.3, false}}},
	}, 140e6},
	{"shipping-quotes", 2, "v1.6.2", []route{
		{"GET /quotes", "/quotes", 10 * ms, 0.5, 0.001, []step{{"parcelpost", "GET /rates", 1, true}}},
	}, 44e6},
	{"notifications", 2, "v2.2.0", []route{
		{topic, "", 15 * ms, 0.5, 0.001, []step{{"mail-relay", "POST /messages", 1, true}}},
	}, 52e6},
	{"warehouse-reports", 3, "v0.9.8", []route{
		{"POST /reports", "/reports", 220 * ms, 0.4, 0.002, []step{{"stock-db", "SELECT movements", 1, true}}},
	}, 88e6},
	{"gift-wrap", -1, "v0.3.0", []route{
		{"POST /wraps", "/wraps", 20 * ms, 0.6, 0.002, nil},
	}, 30e6},
}

// topic is the queue by which checkout tells notifications of an order.
const topic = "orders.placed"

var stands = []stand{
	{"orders-db", "postgresql", "orders", "orders-db.harbour-goods.example", 4 * ms, 0.4},
	{"stock-db", "postgresql", "stock", "stock-db.harbour-goods.example", 3 * ms, 0.4},
	{"fraudguard", "", "", "api.fraudguard.example", 30 * ms, 0.4},
	{"parcelpost", "", "", "rates.parcelpost.example", 60 * ms, 0.5},
	{"mail-relay", "", "", "relay.postbag.example", 25 * ms, 0.4},
}

var visits = []visit{
	{"GET /home", "GET", "/home", 3.6},
	{"GET /search", "GET", "/search?q=rope", 2.4},
	{"POST /checkout", "POST", "/checkout", 1.6},
}

// reportEvery is how often the night job asks for a report; it runs by day too.
const reportEvery = 45 * time.Second

func host(name string) string {
	for _, s := range stands {
		if s.name == name {
			return s.host
		}
	}
	return name + ".harbour-goods.example"
}

func componentOf(name string) (component, bool) {
	for _, c := range plan {
		if c.name == name {
			return c, true
		}
	}
	return component{}, false
}

func standOf(name string) (stand, bool) {
	for _, s := range stands {
		if s.name == name {
			return s, true
		}
	}
	return stand{}, false
}

// routeOf finds a route of a component; the zero route when there is none.
func routeOf(c component, pattern string) route {
	for _, r := range c.routes {
		if r.pattern == pattern {
			return r
		}
	}
	return route{}
}

// Edge is one dependency of the plan.
type Edge struct {
	From, To string
	Via      string // http, db, messaging
	Hard     bool   // the caller fails when it fails
}

// Edges is the truth about who calls whom, in the order of the plan.
func Edges() []Edge {
	var out []Edge
	seen := map[[2]string]bool{}
	for _, c := range plan {
		for _, r := range c.routes {
			for _, s := range r.calls {
				if key := [2]string{c.name, s.to}; !seen[key] {
					seen[key] = true
					out = append(out, Edge{c.name, s.to, viaOf(s), s.hard})
				}
			}
		}
	}
	return out
}

func viaOf(s step) string {
	if s.pattern == topic {
		return "messaging"
	}
	if st, ok := standOf(s.to); ok && st.system != "" {
		return "db"
	}
	return "http"
}
