function row_exp2(x) { return Math.pow(2, x); }
function row_float_power(a, b) { return row_power(a, b); }
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
function row_power(a, b) { return a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : Math.pow(a, b); }
function row_fix(x) { return Math.trunc(x); }
function row_round(x) { return row_rint(x); }
function row_nan_to_num(x) { return Number.isNaN(x) ? 0 : Math.min(Math.max(x, -Number.MAX_VALUE), Number.MAX_VALUE); }
function row_mod(a, b) { const r = a % b; return r === 0 ? (b < 0 || 1 / b < 0 ? -0 : 0) : (r < 0) !== (b < 0) ? r + b : r; }
function row_floor_divide(a, b) { if (b === 0) return a / b; const r = a % b; const q = (a - r) / b - (r !== 0 && (r < 0) !== (b < 0) ? 1 : 0); const n = Math.floor(q); return q - n > 0.5 ? n + 1 : n; }
function row_logaddexp(a, b) { return a === b ? a + Math.LN2 : Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b))); }
function slope_logaddexp_0(y, a, b) { return Math.abs(y) === Infinity ? (a === y ? (b === y ? 0.5 : 1) : 0) : Math.exp(a - y); }
function slope_logaddexp_1(y, a, b) { return slope_logaddexp_0(y, b, a); }
function row_logaddexp2(a, b) { return a === b ? a + 1 : Math.max(a, b) + Math.log1p(Math.pow(2, -Math.abs(a - b))) / Math.LN2; }
function slope_logaddexp2_0(y, a, b) { return Math.abs(y) === Infinity ? (a === y ? (b === y ? 0.5 : 1) : 0) : Math.pow(2, a - y); }
function slope_logaddexp2_1(y, a, b) { return slope_logaddexp2_0(y, b, a); }
function row_sinc(x) { const z = Math.PI * x; return z === 0 ? 1 : Math.sin(z) / z; }
function slope_sinc_0(y, x) { const z = Math.PI * x; if (!(Math.abs(z) <= 3)) return Math.PI * (Math.cos(z) - Math.sin(z) / z) / z; let term = -z / 2, sum = 0; for (let n = 1; n < 25; n += 1) { sum += term * 2 / (2 * n + 1); term *= -z * z / (2 * n * (2 * n + 1)); } return Math.PI * sum; }
function row_xlogy(x, z) { return x === 0 && !Number.isNaN(z) ? 0 : x * Math.log(z); }
function row_xlog1py(x, z) { return x === 0 && !Number.isNaN(z) ? 0 : x * Math.log1p(z); }
function row_entr(x) { return x > 0 ? -x * Math.log(x) : x === 0 ? 0 : Number.isNaN(x) ? x : -Infinity; }
function row_logit(p) { const s = 2 * (p - 0.5); return p > 0.3 && p < 0.65 ? Math.log1p(s) - Math.log1p(-s) : Math.log(p / (1 - p)); }
function row_ndtr(x) { return row_erfc(-x / Math.SQRT2) / 2; }
function tail_erfinv(t) { if (t === 0) return Infinity; if (!(t > 0)) return NaN; let x = Math.sqrt(Math.max(-Math.log(t * Math.max(1, Math.sqrt(-Math.PI * Math.log(t)))), 0.01)); for (let n = 0; n < 30; n += 1) { const e = row_erfc(x); x += e * Math.log(e / t) * Math.sqrt(Math.PI) / 2 * Math.exp(x * x); } return x; }
function row_erfinv(y) { const size = Math.abs(y); if (!(size < 0.5)) return y < 0 ? -tail_erfinv(1 - size) : tail_erfinv(1 - size); let x = y; for (let n = 0; n < 8; n += 1) x -= (row_erf(x) - y) * Math.sqrt(Math.PI) / 2 * Math.exp(x * x); return x; }
function row_ndtri(p) { return Math.SQRT2 * (p < 0.25 ? -tail_erfinv(2 * p) : p > 0.75 ? tail_erfinv(2 * (1 - p)) : row_erfinv(2 * (p - 0.5))); }
function tail_gamma(x) { const c = [676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905, -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7]; return c.reduce((sum, n, i) => sum + n / (x + i), 0.9999999999998099) * Math.sqrt(2 * Math.PI); }
function row_gamma(x) { if (x === 0) return 1 / x; if (x < 0 && Math.floor(x) === x) return NaN; if (x < 0.5) return Math.PI / (Math.sin(Math.PI * x) * row_gamma(1 - x)); if (x > 171.7) return Infinity; if (x > 140) return (x - 1) * row_gamma(x - 1); const t = x + 6.5; return Math.pow(t, x - 0.5) * Math.exp(-t) * tail_gamma(x); }
function row_gammaln(x) { if (Math.abs(x) === Infinity) return x; if (x <= 0 && Math.floor(x) === x) return Infinity; if (x < 0.5) return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * x))) - row_gammaln(1 - x); if (x < 20) return Math.log(row_gamma(x)); const y = 1 / (x * x); return (x - 0.5) * Math.log(x) - x + Math.log(2 * Math.PI) / 2 + (1 / 12 - y * (1 / 360 - y * (1 / 1260 - y * (1 / 1680 - y / 1188)))) / x; }
function row_digamma(x) { if (x === 0) return -1 / x; if (x < 0) return Math.floor(x) === x ? NaN : row_digamma(1 - x) - Math.PI / Math.tan(Math.PI * (x - Math.floor(x))); if (x === Infinity) return x; let sum = 0; while (x < 12) { sum -= 1 / x; x += 1; } const y = 1 / (x * x); return sum + Math.log(x) - 0.5 / x - y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y * (1 / 132 - y * (691 / 32760 - y / 12)))))); }
function slope_digamma_0(y, x) { if (x <= 0 && Math.floor(x) === x) return Infinity; if (x < 0) { const s = Math.PI / Math.sin(Math.PI * x); return s * s - slope_digamma_0(0, 1 - x); } if (x === Infinity) return 0; let sum = 0; while (x < 12) { sum += 1 / (x * x); x += 1; } const z = 1 / (x * x); return sum + 1 / x + z / 2 + z / x * (1 / 6 - z * (1 / 30 - z * (1 / 42 - z * (1 / 30 - z * (5 / 66 - z * (691 / 2730 - z * 7 / 6)))))); }
function wave_bessel(x, turn, p, q) { const t = x - turn * Math.PI; return x === Infinity ? 0 : Math.sqrt(2 / (Math.PI * x)) * (p * Math.cos(t) - q * Math.sin(t)); }
function row_j0(x) { if (!(Math.abs(x) < 1000)) return wave_bessel(Math.abs(x), 0.25, 1 - 9 / (128 * x * x), -1 / (8 * Math.abs(x)) + 75 / (1024 * Math.abs(x * x * x))); const many = Math.ceil(Math.abs(x)) + 40; let sum = 0; for (let k = 0; k < many; k += 1) sum += Math.cos(x * Math.sin((k + 0.5) * Math.PI / many)); return sum / many; }
function row_j1(x) { if (!(Math.abs(x) < 1000)) return Math.sign(x) * wave_bessel(Math.abs(x), 0.75, 1 + 15 / (128 * x * x), 3 / (8 * Math.abs(x)) - 105 / (1024 * Math.abs(x * x * x))); const many = Math.ceil(Math.abs(x)) + 40; let sum = 0; for (let k = 0; k < many; k += 1) { const t = (k + 0.5) * Math.PI / many; sum += Math.sin(x * Math.sin(t)) * Math.sin(t); } return sum / many; }
function slope_j1_0(y, x) { return x === 0 ? 0.5 : row_j0(x) - y / x; }
function row_i0(x) { if (!(Math.abs(x) < 720)) return Number.isNaN(x) ? x : Infinity; let term = 1, sum = 1; for (let k = 1; term > sum * 1e-17 && k < 2000; k += 1) { term *= x * x / 4 / (k * k); sum += term; } return sum; }
function row_i1(x) { if (!(Math.abs(x) < 720)) return Math.sign(x) * Infinity; let term = x / 2, sum = x / 2; for (let k = 1; Math.abs(term) > Math.abs(sum) * 1e-17 && k < 2000; k += 1) { term *= x * x / 4 / (k * (k + 1)); sum += term; } return sum; }
function slope_i1_0(y, x) { if (Math.abs(x) > 700) return Math.abs(y); return x === 0 ? 0.5 : row_i0(x) - y / x; }
function slope_i0_0(y, x) { return row_i1(x); }
function slope_j0_0(y, x) { return -row_j1(x); }
