function row_exp2(x) { return Math.pow(2, x); }
function row_float_power(a, b) { return Math.pow(a, b); }
function row_fmod(a, b) { return a % b; }
function row_fmax(a, b) { return Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.max(a, b); }
function row_fmin(a, b) { return Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.min(a, b); }
function row_rint(x) { const n = Math.round(x); return n - x === 0.5 && n % 2 !== 0 ? n - 1 : n; }
function row_deg2rad(x) { return x * (Math.PI / 180); }
function row_radians(x) { return x * (Math.PI / 180); }
function row_rad2deg(x) { return x * (180 / Math.PI); }
function row_degrees(x) { return x * (180 / Math.PI); }
function row_erf(x) { if (!(Math.abs(x) < 6)) return Number.isNaN(x) ? x : Math.sign(x); let term = x, sum = x; for (let n = 1; n < 200; n += 1) { term *= 2 * x * x / (2 * n + 1); sum += term; } return sum * Math.exp(-x * x) * 2 / Math.sqrt(Math.PI); }
function row_erfc(x) { if (!(x > 2)) { let term = x, sum = x; if (x < -6) return 2; for (let n = 1; n < 200; n += 1) { term *= 2 * x * x / (2 * n + 1); sum += term; } return 1 - sum * Math.exp(-x * x) * 2 / Math.sqrt(Math.PI); } let tail = x; for (let n = 200; n > 0; n -= 1) tail = x + n / 2 / tail; return Math.exp(-x * x) / tail / Math.sqrt(Math.PI); }
function row_clip(x, low, high) { return Math.min(Math.max(x, low), high); }
