//! Draws are part of the format of a result: ten of each purpose, to the bit.
//!
//! A change here changes every result that was ever written; it needs a new version and a line in the
//! list of changes.

use topkima::base::rng::{Purpose, Seed, Site};

/// Bits of the first ten draws of seed 20241120, trial 3, site (5, 11): standard normal, but uniform for
/// the cells that stick and for the order and views of training images.
const PINNED: [(Purpose, [u64; 10]); 18] = [
    (
        Purpose::CellMismatch,
        [
            0xbfd9_d253_3aae_0a6a,
            0xbfdd_a50c_06eb_cb47,
            0xbff3_3ab2_d673_8cf1,
            0xbff5_5958_484e_2129,
            0xbfd4_b967_1f92_4158,
            0xbfd8_221d_6fc5_b093,
            0x3ffc_d243_d41d_a939,
            0xbfc2_19ce_2722_9e50,
            0x3ff6_edce_ae8b_ec6e,
            0x3fd4_81d0_8cfa_f1f4,
        ],
    ),
    (
        Purpose::ColumnOffset,
        [
            0x3fe8_5ecd_5850_b401,
            0x3ff7_6c28_5176_8245,
            0x3ff0_3031_d213_d0e2,
            0x3fe8_9e9f_adf2_384f,
            0xc000_ad06_e412_2ea9,
            0xbfe6_a913_0388_7b62,
            0xbff1_a090_1680_c097,
            0x3ff1_c5a1_f41e_6510,
            0x3fcd_865b_9565_3550,
            0x3fdf_6d13_5942_611e,
        ],
    ),
    (
        Purpose::ReplicaMismatch,
        [
            0xbfc4_98e2_f328_e932,
            0x3ff2_fc17_6314_7f18,
            0xbfae_99fa_0b26_ffe7,
            0x3fd1_d5b1_6bea_759e,
            0x3fe0_a640_42d2_435e,
            0xbff9_678f_db49_604f,
            0x3fea_1b6b_a6b0_7714,
            0xbff1_1a0d_e732_35bc,
            0x4000_7e0a_40ec_196c,
            0xbff2_b733_597f_d423,
        ],
    ),
    (
        Purpose::LineMismatch,
        [
            0xbff3_6275_da26_46e4,
            0x3ffd_f467_e278_16e7,
            0xbf86_6522_3949_2a2b,
            0xbff0_a77c_78c7_7072,
            0x3fe5_51f9_717e_411a,
            0xbfed_cfe3_4a86_2642,
            0x3fc5_e15e_8503_5b37,
            0xbff2_3683_4edd_976a,
            0xbff0_1fac_79d2_ec06,
            0xbfed_256d_7c93_3409,
        ],
    ),
    (
        Purpose::StuckAt,
        [
            0x3fe2_1bc1_a7a8_0ecc,
            0x3fd6_ae88_78cb_4c24,
            0x3fe3_e188_4be6_3939,
            0x3fee_fa3c_bf55_0444,
            0x3fe5_56ee_f6b3_2b3a,
            0x3fb8_7e41_df26_abe0,
            0x3fc2_a29f_98ad_4550,
            0x3fe8_897a_2845_1d82,
            0x3fe9_585e_5ba4_cf63,
            0x3fe1_4db3_9e60_fc94,
        ],
    ),
    (
        Purpose::Programming,
        [
            0xbfef_0b1d_5ef5_8237,
            0x3fd9_0105_b442_ec97,
            0x3fc0_9970_2c1b_89c5,
            0xbfef_272f_3c95_c596,
            0xbfe1_1f66_13ef_dc1f,
            0x3fe5_1471_3cef_d346,
            0x3f8b_8cf9_6524_fcd1,
            0x3ff4_5e48_f7d3_d77a,
            0x3ff9_8d71_38d8_15be,
            0xbfbe_afdd_b7c5_e5b3,
        ],
    ),
    (
        Purpose::Drift,
        [
            0xbff4_3204_37b6_5f5f,
            0xbff4_5512_db2d_72be,
            0xbfe6_860a_3a2a_c011,
            0x3f9b_60d8_9b44_b126,
            0x3ff3_25dd_fd24_a8b8,
            0x3fcf_0e85_3449_cab9,
            0x3ffb_ebb0_9cbd_57b4,
            0x3fe2_05a2_747b_4281,
            0xbfab_272d_2559_9054,
            0xbff4_ec7c_d3dc_6eab,
        ],
    ),
    (
        Purpose::DeviceRead,
        [
            0xbff0_1045_ab3d_21e1,
            0xc000_4fa5_1a2f_5afc,
            0x3fe2_2ff1_010d_34c1,
            0x3ff3_7e00_7787_5362,
            0xbff2_4c34_7fab_ae7c,
            0xbff2_1e76_4a8e_61bc,
            0xbfff_e96e_c30d_338d,
            0x3fd8_5b64_1645_2247,
            0x3fd4_97ec_b5fb_b119,
            0x3fdb_40e0_0c58_21d4,
        ],
    ),
    (
        Purpose::Comparator,
        [
            0x3fd4_531a_aa9a_305b,
            0xbff6_7948_c8d5_5180,
            0xbff4_124c_e221_e1e3,
            0x3ffc_5aae_3432_3e84,
            0x3fef_aafc_7882_c235,
            0x3fed_a2ee_bebe_cd08,
            0x3ff1_a7b4_95c7_9b98,
            0xbfa8_372d_cabf_af14,
            0x3fec_7cf7_313a_bba2,
            0xbfea_bbfb_8164_92f5,
        ],
    ),
    (
        Purpose::PlainAdc,
        [
            0x3ffb_c401_8448_5202,
            0x3fe5_5fd0_2fab_5a25,
            0x3fe9_910d_7483_900f,
            0xbfd1_b4aa_1804_dcb3,
            0x3ff0_53bf_b044_3f29,
            0xbff0_75c6_bb28_a633,
            0x3fc7_8414_b4b7_289c,
            0x3fe7_3de6_e153_ab90,
            0xbfe9_1446_778f_c463,
            0xbff7_5467_c893_0163,
        ],
    ),
    (
        Purpose::SyntheticQuery,
        [
            0xbff2_a865_a2b9_3bb9,
            0xbfd4_ce9c_e6df_be74,
            0x3ff5_a570_6393_8852,
            0x3faf_b0bf_2a7a_ff8d,
            0x4002_778e_31f6_01d9,
            0xbfe0_a3a4_6a6e_999f,
            0xbff0_c8b3_0762_e569,
            0x3fee_5006_7a2f_b523,
            0xbff7_aec9_10ac_5ed6,
            0xbf41_534d_d917_ff4d,
        ],
    ),
    (
        Purpose::SyntheticKey,
        [
            0xbfba_f6a0_afd7_259c,
            0x3fb2_e790_e332_9994,
            0xbff5_3571_7f5d_531f,
            0x3fe0_c255_3c4e_7692,
            0xbfde_289d_f5fb_458b,
            0xbfea_c101_ae94_dfe6,
            0x3ff8_7e22_8183_028c,
            0x3fe2_24a1_36e4_047b,
            0xbfe2_7937_1a97_2ecc,
            0x3fd0_57c8_bd35_73e0,
        ],
    ),
    (
        Purpose::SyntheticValue,
        [
            0xc000_80f1_8888_9985,
            0x3fce_89a4_a0bb_b574,
            0xbfe4_e6ae_d165_f865,
            0x3fd1_5a41_1776_d8c8,
            0xbfe1_fc75_c4f9_4e9f,
            0xbfd5_0d5c_5b0f_7c39,
            0xbff6_163f_70e6_986b,
            0xbfc1_ae1f_1d42_5200,
            0x3fd2_ff69_f7b0_1c25,
            0x4001_25a0_2268_419f,
        ],
    ),
    (
        Purpose::Excluded,
        [
            0x3fde_64db_630c_2e8a,
            0x3fe7_a9f1_60eb_cca8,
            0x3fd3_75f1_12fc_2f48,
            0x3fde_84e4_1ed5_164a,
            0x3fe1_1438_c027_7979,
            0x3fe2_8bd5_93ec_3b2b,
            0x3fea_5eff_aa8b_9c72,
            0x3fd3_9ec1_8ed6_d972,
            0x3fdf_7abf_8be4_b63c,
            0x3fe0_a439_7cd4_637f,
        ],
    ),
    (
        Purpose::TrainingWeights,
        [
            0x3ff3_21c3_26ba_95ac,
            0x3ff1_06e2_37d0_84b9,
            0x3fb4_ac04_1a03_d44a,
            0xbfb5_6264_f0f1_dfb0,
            0x3ff4_bdde_ad61_9e19,
            0x3fef_104c_45b0_4602,
            0x3ff4_d824_27a0_f0ca,
            0x3fe3_26a2_25ee_71d9,
            0xbffa_8e00_3cf8_e7da,
            0x3fcc_5c90_64d7_eac4,
        ],
    ),
    (
        Purpose::TrainingOrder,
        [
            0x3fdc_f829_616b_7d70,
            0x3fe8_1921_497f_3f29,
            0x3fe1_f37d_c3ce_ad52,
            0x3fe8_aaed_be1c_c288,
            0x3fea_eef8_aca4_5fce,
            0x3fe3_06d9_ce10_0a2c,
            0x3fc2_8a75_9e6c_c2d8,
            0x3fb6_147b_294a_3b88,
            0x3fe8_0706_f3a3_9eca,
            0x3fed_5349_eec8_0f6e,
        ],
    ),
    (
        Purpose::TrainingView,
        [
            0x3fd5_246b_5fec_b446,
            0x3fd9_8c40_f38e_a0ba,
            0x3fc8_951c_9931_5990,
            0x3fe2_9217_dd9e_27ca,
            0x3fda_babd_eb0a_5e3a,
            0x3fdc_f460_1b3d_e226,
            0x3f92_dffc_504f_57a0,
            0x3fd7_06c4_89bd_4a36,
            0x3fd8_70bb_9cb5_3f0c,
            0x3fb3_4753_4dc8_bfc8,
        ],
    ),
    (
        Purpose::Bootstrap,
        [
            0x3ff7_d513_e8d4_5eb9,
            0xbfeb_7334_2a57_bc61,
            0xbfd7_f675_6227_03e2,
            0x4000_caae_72c5_e1e7,
            0xbff4_d60e_6b03_e22f,
            0x3fc6_6544_47d5_3b82,
            0xbff7_f115_fe70_8454,
            0x3ff2_617c_14bf_c412,
            0xbff3_7dfa_295b_7a69,
            0x3ff9_0f26_29bb_58e1,
        ],
    ),
];

#[test]
fn ten_draws_of_each_purpose_keep_their_bits() {
    assert_eq!(PINNED.map(|(purpose, _)| purpose), Purpose::ALL);
    for (purpose, bits) in PINNED {
        let mut stream = Seed(20_241_120).stream(purpose, 3, Site(5, 11));
        let draws = std::array::from_fn(|_| match purpose {
            Purpose::StuckAt
            | Purpose::Excluded
            | Purpose::TrainingOrder
            | Purpose::TrainingView => stream.uniform().to_bits(),
            _ => stream.normal().to_bits(),
        });
        assert_eq!(draws, bits, "{purpose:?}");
    }
}

#[test]
fn a_row_of_draws_is_what_single_draws_are() {
    let stream = || Seed(1).stream(Purpose::CellMismatch, 0, Site(0, 0));
    let (mut row, mut one) = ([0.0; 64], stream());
    stream().fill_normal(&mut row);
    assert!(row.iter().all(|draw| *draw == one.normal()));
}

#[test]
fn a_purpose_keeps_its_number() {
    let numbers = Purpose::ALL.map(|purpose| purpose as u64);
    let expected: Vec<u64> = (1..=14).chain(20..=22).chain([30]).collect();
    assert_eq!(numbers[..], expected);
}
